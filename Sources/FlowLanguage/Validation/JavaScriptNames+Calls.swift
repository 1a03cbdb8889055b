extension JavaScriptNames {
    /// Names through which code reaches every other.
    private static let reflecting: Set<String> = ["globalThis", "eval", "Function"]

    /// The texts that `name` is called with first, as they stand in the code.
    ///
    /// Nil where that cannot be told: the name is passed on, called with what is computed, stands in a text, or may be
    /// reached by other means.
    package static func literals(ofCallsTo name: String, in text: String) -> Set<String>? {
        var scanner = Scanner(bytes: Array(text.utf8), names: reflecting.union([name]))
        scanner.scan()
        guard !scanner.hasEscapedNames, scanner.mentions.allSatisfy({ $0.name == name }) else { return nil }
        var literals: Set<String> = []
        for mention in scanner.mentions {
            guard let literal = firstArgument(at: mention.end, in: scanner.bytes) else { return nil }
            literals.insert(literal)
        }
        let named = Array(name.utf8)
        guard !scanner.texts.contains(where: { scanner.bytes[$0].contains(named) }) else { return nil }
        return literals
    }

    /// Nil when it is no plain text: a call's first argument ends at a comma or with the call.
    private static func firstArgument(at start: Int, in bytes: [UInt8]) -> String? {
        var rest = bytes[start...]
        func skipBlanks() { rest = rest.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) } }
        skipBlanks()
        guard rest.popFirst() == UInt8(ascii: "(") else { return nil }
        skipBlanks()
        guard let quote = rest.popFirst(), [UInt8]("\"'`".utf8).contains(quote) else { return nil }
        let literal = rest.prefix { $0 != quote && $0 != UInt8(ascii: "\n") }
        guard !literal.contains(where: { [UInt8]("\\$".utf8).contains($0) }) else { return nil }
        rest = rest.dropFirst(literal.count)
        guard rest.popFirst() == quote else { return nil }
        skipBlanks()
        guard let end = rest.first, [UInt8](",)".utf8).contains(end) else { return nil }
        return String(decoding: literal, as: UTF8.self)
    }
}
