/// Prints findings: `file:line:column: error[CODE]: message`, the line, a caret below the place, notes.
///
/// What looks like a secret is never printed, not even in a quoted line. Control characters of a file do not reach the
/// terminal.
package enum DiagnosticRenderer {
    /// The findings as text, in the order given; the first `Limits.findingsPrinted` in full.
    ///
    /// A finding in a file that is not among `sources` is printed without its line.
    package static func render(_ diagnostics: [Diagnostic], sources: [SourceFile]) -> String {
        var texts: [String: SourceText] = [:]
        for source in sources { texts[source.path] = SourceText(source) }
        var output = ""
        for diagnostic in diagnostics.prefix(Limits.findingsPrinted) {
            output += render(diagnostic, texts[diagnostic.range.file])
        }
        let left = diagnostics.count - Limits.findingsPrinted
        if left > 0 { output += "… and \(left) more\n" }
        return output
    }

    private static func render(_ diagnostic: Diagnostic, _ text: SourceText?) -> String {
        let start = diagnostic.range.start
        let message = printable(SecretPattern.redacted(diagnostic.message))
        var output = "\(printable(diagnostic.range.file)):\(start.line):\(start.column): "
        output += "\(diagnostic.severity.rawValue)[\(diagnostic.code)]: \(message)\n"
        var margin = String(repeating: " ", count: 2)
        if let text, let snippet = snippet(diagnostic.range, text) {
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
    private static func snippet(_ range: SourceRange, _ text: SourceText) -> (line: String, caret: String)? {
        let index = range.start.line - 1
        guard index >= 0, index < text.lineCount else { return nil }
        let bytes = text.line(index)
        guard range.start.offset >= bytes.lowerBound else { return nil }
        let scalars = Array(SecretPattern.redacted(text.text(bytes)).unicodeScalars)
        let from = min(range.start.column - 1, scalars.count)
        let isOneLine = range.end.line == range.start.line
        let to = min(max(isOneLine ? range.end.column - 1 : scalars.count, from), scalars.count)
        let window = window(around: from..<to, count: scalars.count)
        var line = window.lowerBound > 0 ? "…" : ""
        var caret = window.lowerBound > 0 ? " " : ""
        for place in window {
            let shown = shown(scalars[place])
            line += shown.text
            if place < from {
                caret += String(repeating: " ", count: shown.width)
            } else if place < to {
                caret += String(repeating: place == from ? "^" : "~", count: min(shown.width, 1))
                caret += String(repeating: "~", count: max(shown.width - 1, 0))
            }
        }
        if from == to { caret += "^" }
        if window.upperBound < scalars.count { line += "…" }
        while line.last == " " { line.removeLast() }
        return (line, caret)
    }

    /// The part of a long line that is printed: enough before the place to know where it is.
    private static func window(around place: Range<Int>, count: Int) -> Range<Int> {
        guard count > Limits.lineScalarsPrinted else { return 0..<count }
        let before = Limits.lineScalarsPrinted / 2
        let start = min(max(0, place.lowerBound - before), count - Limits.lineScalarsPrinted)
        return start..<start + Limits.lineScalarsPrinted
    }

    private static func printable(_ text: String) -> String {
        var output = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isControl(scalar) { output.append("·") } else { output.append(scalar) }
        }
        return String(output)
    }

    private static func shown(_ scalar: Unicode.Scalar) -> (text: String, width: Int) {
        if scalar == "\t" { return ("    ", 4) }
        if isControl(scalar) { return ("·", 1) }
        return (String(scalar), width(scalar))
    }

    /// Control characters, and the ones that turn the direction of writing.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
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
