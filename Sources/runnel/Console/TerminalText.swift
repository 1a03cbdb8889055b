/// What a terminal may be shown: texts of capsules, customers and services must not steer it.
enum TerminalText {
    /// The colours that this program writes itself.
    private static let own = ["\u{1B}[0m", "\u{1B}[1m", "\u{1B}[31m", "\u{1B}[32m"].map { Array($0.unicodeScalars) }

    /// `text` with control characters, and those that turn the direction of writing, told by their numbers.
    static func safe(_ text: String) -> String {
        if text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) || $0 == 0x0A || $0 == 0x09 }) { return text }
        let scalars = Array(text.unicodeScalars)
        var safe = String.UnicodeScalarView()
        var place = 0
        while place < scalars.count {
            if let colour = own.first(where: { scalars[place...].starts(with: $0) }) {
                safe += colour
                place += colour.count
                continue
            }
            let scalar = scalars[place]
            if steers(scalar) {
                safe += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}".unicodeScalars
            } else {
                safe.append(scalar)
            }
            place += 1
        }
        return String(safe)
    }

    private static func steers(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0..<0x20, 0x7F...0x9F, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
