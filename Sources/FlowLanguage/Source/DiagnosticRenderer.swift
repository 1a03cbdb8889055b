/// Prints findings: `file:line:column: error[CODE]: message`, the line, a caret below the place, notes.
///
/// What looks like a secret is never printed, not even in a quoted line. Control characters of a file do not reach the
/// terminal.
package enum DiagnosticRenderer {
    /// The findings as text, in the order given; the first `Limits.findingsPrinted` in full.
    ///
    /// A finding in a file that is not among `sources` is printed without its line.
    package static func render(_ diagnostics: [Diagnostic], sources: [SourceFile]) -> String {
        var files: [String: QuotedFile] = [:]
        for source in sources { files[source.path] = QuotedFile(source) }
        var output = ""
        for diagnostic in diagnostics.prefix(Limits.findingsPrinted) {
            output += render(diagnostic, files[diagnostic.range.file])
        }
        let left = diagnostics.count - Limits.findingsPrinted
        if left > 0 { output += "… and \(left) more\n" }
        return output
    }

    /// A file whose lines are printed, and where its secrets stand.
    private struct QuotedFile {
        let text: SourceText
        let secrets: [Range<Int>]

        init(_ source: SourceFile) {
            text = SourceText(source)
            secrets = source.bytes.count <= Limits.fileBytes + 1 ? SecretPattern.ranges(in: source.bytes) : []
        }

        /// The text of a stretch, with the characters of secrets replaced, behind the letters that tell their kind.
        func quote(_ range: Range<Int>) -> String {
            var quoted = Array(text.bytes[range])
            for secret in secrets {
                let hidden = (secret.lowerBound + 3..<secret.upperBound).clamped(to: range)
                for offset in hidden { quoted[offset - range.lowerBound] = UInt8(ascii: "*") }
            }
            return String(decoding: quoted, as: UTF8.self)
        }
    }

    private static func render(_ diagnostic: Diagnostic, _ file: QuotedFile?) -> String {
        let start = diagnostic.range.start
        let message = printable(SecretPattern.redacted(diagnostic.message))
        var output = "\(printable(diagnostic.range.file)):\(start.line):\(start.column): "
        output += "\(diagnostic.severity.rawValue)[\(diagnostic.code)]: \(message)\n"
        var margin = String(repeating: " ", count: 2)
        if let file, let snippet = snippet(diagnostic.range, file) {
            let number = String(start.line)
            margin = String(repeating: " ", count: number.count + 2)
            output += " \(number) | \(snippet.line)\n"
            output += "\(margin)| \(snippet.caret)\n"
        }
        for note in diagnostic.notes {
            output += "\(margin)= \(printable(SecretPattern.redacted(note)))\n"
        }
        return output
    }

    /// The line of the range's start and the line of carets below it; nil for a place outside the file.
    private static func snippet(_ range: SourceRange, _ file: QuotedFile) -> (line: String, caret: String)? {
        let index = range.start.line - 1
        guard index >= 0, index < file.text.lineCount else { return nil }
        let line = file.text.line(index)
        guard range.start.offset >= line.lowerBound else { return nil }
        let start = min(range.start.offset, line.upperBound)
        let end = min(
            max(range.end.line == range.start.line ? range.end.offset : line.upperBound, start),
            line.upperBound
        )
        let window = window(around: start, in: line, file.text.bytes)
        var shown = window.lowerBound > line.lowerBound ? "…" : ""
        var caret = window.lowerBound > line.lowerBound ? " " : ""
        var offset = window.lowerBound
        for scalar in file.quote(window).unicodeScalars {
            let printed = Self.shown(scalar)
            shown += printed.text
            if offset < start {
                caret += String(repeating: " ", count: printed.width)
            } else if offset < end, printed.width > 0 {
                caret += (offset == start ? "^" : "~") + String(repeating: "~", count: printed.width - 1)
            }
            offset += UTF8.width(scalar)
        }
        if start == end { caret += "^" }
        if window.upperBound < line.upperBound { shown += "…" }
        while shown.last == " " { shown.removeLast() }
        return (shown, caret)
    }

    /// The part of a line that is printed: all of it, or of a long one enough before the place to know where it is.
    private static func window(around place: Int, in line: Range<Int>, _ bytes: [UInt8]) -> Range<Int> {
        guard line.count > Limits.lineScalarsPrinted else { return line }
        var start = place
        var before = 0
        while start > line.lowerBound, before < Limits.lineScalarsPrinted / 2 {
            start -= 1
            if bytes[start] & 0xC0 != 0x80 { before += 1 }
        }
        var end = place
        var after = 0
        while end < line.upperBound, after < Limits.lineScalarsPrinted / 2 {
            end += 1
            if end == line.upperBound || bytes[end] & 0xC0 != 0x80 { after += 1 }
        }
        return start..<end
    }

    private static func printable(_ text: String) -> String {
        var output = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar.controlsDisplay { output.append("·") } else { output.append(scalar) }
        }
        return String(output)
    }

    private static func shown(_ scalar: Unicode.Scalar) -> (text: String, width: Int) {
        if scalar == "\t" { return ("    ", 4) }
        if scalar.controlsDisplay { return ("·", 1) }
        return (String(scalar), width(scalar))
    }

    /// Columns that a terminal gives a scalar: two for wide ones, none for marks that join the one before.
    private static func width(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
            0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}
