/// `payments:` in the text of `app.yaml`: put in, and taken out as it stands, by lines.
package enum PaymentsSection {
    /// The text with the section at its end.
    package static func added(to text: String, connection: String, orderTable: String) -> String {
        let start = text.hasSuffix("\n") || text.isEmpty ? text : text + "\n"
        return start + "\npayments:\n  connection: \(connection)\n  orderTable: \(orderTable)\n"
    }

    /// The text with a section as it was taken out.
    package static func added(to text: String, section: String) -> String {
        let start = text.hasSuffix("\n") || text.isEmpty ? text : text + "\n"
        return start + "\n" + section
    }

    /// The text without the section, and the section; nil when there is none, or not as a block of its own.
    package static func removed(from text: String) -> (text: String, section: String)? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let start = lines.firstIndex(where: { $0.hasPrefix("payments:") }) else { return nil }
        // It ends where the next key of the top level, or a comment in front of it, begins.
        let isInner = { (line: String) in line.isEmpty || line.hasPrefix(" ") || line.hasPrefix("\t") }
        var end = lines.index(after: start)
        while end < lines.endIndex, isInner(lines[end]) { end += 1 }
        while end > start + 1, lines[end - 1].allSatisfy(\.isWhitespace) { end -= 1 }
        var rest = Array(lines[..<start])
        while rest.last?.isEmpty == true { rest.removeLast() }
        let after = Array(lines[end...])
        if !rest.isEmpty, after.contains(where: { !$0.isEmpty }), after.first?.isEmpty == false { rest.append("") }
        return ((rest + after).joined(separator: "\n"), lines[start..<end].joined(separator: "\n") + "\n")
    }
}
