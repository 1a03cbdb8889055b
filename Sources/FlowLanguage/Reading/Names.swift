/// The shapes that names take.
enum Names {
    /// Words of CEL that an id cannot be: `in`, the constants, and what CEL reserves.
    private static let reservedIdentifiers: Set<String> = [
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
        "let", "loop", "package", "namespace", "return", "var", "void", "while",
    ]
    /// Path words of the server and of the command; no flow may be called so.
    static let reservedFlows: Set<String> = [
        "stripe", "healthz", "readyz", "metrics", "runs", "pages", "hooks", "tables", "end",
    ]

    static let kebabRule = "lower-case letters, digits and '-', at most 64"
    static let identifierRule = "letters, digits and '_', not beginning with a digit, at most 63, and no word of CEL"

    /// `[a-z0-9-]{1,64}`: apps, flows, connections, widgets.
    static func isKebab(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
            }
    }

    /// A CEL identifier: blocks, tables, columns, inputs, outputs, variables.
    static func isIdentifier(_ name: String) -> Bool {
        guard let first = name.utf8.first, (1...63).contains(name.utf8.count) else { return false }
        guard !(0x30...0x39).contains(first), !reservedIdentifiers.contains(name) else { return false }
        return name.utf8.allSatisfy {
            (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_")
        }
    }

    /// What an identifier could be called instead: `mark-paid` → `markPaid`.
    static func identifier(from name: String) -> String? {
        let parts = name.split { !($0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_")) }
        guard let first = parts.first else { return nil }
        let joined = String(first) + parts.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        return isIdentifier(joined) ? joined : nil
    }
}

extension FileContext {
    /// Whether `name` is an identifier; if not, a finding with one that would do.
    func checkIdentifier(_ name: Located<String>, what: String) -> Bool {
        if Names.isIdentifier(name.value) { return true }
        let note = Names.identifier(from: name.value).map { ["such as '\($0)'"] } ?? []
        error(
            .nameIdentifier,
            "\(what) '\(name.value)' is not made of \(Names.identifierRule)",
            at: name.range,
            notes: note
        )
        return false
    }

    func checkKebab(_ name: Located<String>, what: String) -> Bool {
        if Names.isKebab(name.value) { return true }
        error(.nameKebab, "\(what) '\(name.value)' is not made of \(Names.kebabRule)", at: name.range)
        return false
    }
}
