/// What is asked of an e-mail address before it is handed on: that it can be one, in one line.
package enum EmailAddress {
    /// One `@`, a domain of at least two labels, no white space, control character or sign that would start something
    /// else in a header.
    package static func isValid(_ text: String) -> Bool {
        guard text.utf8.count <= 254, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return false }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].utf8.count) else { return false }
        let labels = parts[1].split(separator: ".", omittingEmptySubsequences: false)
        let isForbidden = { (character: Character) in "<>(),;:\\\"[]".contains(character) }
        return labels.count >= 2 && labels.allSatisfy { !$0.isEmpty } && !text.contains(where: isForbidden)
    }
}
