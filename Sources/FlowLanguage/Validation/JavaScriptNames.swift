/// Finds names in JavaScript without understanding it: outside texts, comments and regular expressions.
package enum JavaScriptNames {
    /// A name where it is used.
    package struct Use: Hashable {
        package var name: String
        /// From 1; the column counts bytes.
        package var line: Int
        package var column: Int
    }

    /// The uses of `names` as variables of the surroundings; none of a name that the code declares itself.
    package static func uses(of names: Set<String>, in text: String) -> [Use] {
        var scanner = Scanner(bytes: Array(text.utf8), names: names)
        scanner.scan()
        return scanner.uses.filter { !scanner.declared.contains($0.name) }
    }

    struct Scanner {
        let bytes: [UInt8]
        let names: Set<String>
        var uses: [Use] = []
        var declared: Set<String> = []
        /// Every one of the names outside texts and comments, whatever it stands for.
        private(set) var mentions: [(name: String, end: Int)] = []
        /// What stands in quotes, slashes or templates.
        private(set) var texts: [Range<Int>] = []
        /// `\u0061` outside texts: a name that is spelt otherwise.
        private(set) var hasEscapedNames = false
        private var index = 0
        private var line = 1
        private var lineStart = 0
        /// The last word or sign that is no blank and no comment.
        private var previous = ""
        /// Braces that are open inside each `${` of a template.
        private var templates: [Int] = []

        init(bytes: [UInt8], names: Set<String>) {
            self.bytes = bytes
            self.names = names
        }

        private static let beforePattern: Set<String> = [
            "", "(", ",", "=", ":", "[", "!", "&", "|", "?", "{", "}", ";", "+", "-", "*", "%", "<", ">", "~", "^",
            "return", "typeof", "case", "in", "of", "do", "else", "void", "delete", "await", "yield", "throw", "new",
        ]
        private static let declaring: Set<String> = ["const", "let", "var", "function", "class"]

        mutating func scan() {
            while let byte = current {
                switch byte {
                case UInt8(ascii: "\n"): newLine()
                case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): index += 1
                case UInt8(ascii: "/") where next == UInt8(ascii: "/"):
                    while let byte = current, byte != UInt8(ascii: "\n") { index += 1 }
                case UInt8(ascii: "/") where next == UInt8(ascii: "*"): comment()
                case UInt8(ascii: "/") where Self.beforePattern.contains(previous): quoted(byte, isPattern: true)
                case UInt8(ascii: "\""), UInt8(ascii: "'"): quoted(byte, isPattern: false)
                case UInt8(ascii: "`"):
                    index += 1
                    template()
                case UInt8(ascii: "{"):
                    if !templates.isEmpty { templates[templates.count - 1] += 1 }
                    sign(byte)
                case UInt8(ascii: "}"):
                    guard let open = templates.last else { sign(byte); continue }
                    if open == 0 {
                        templates.removeLast()
                        index += 1
                        template()
                    } else {
                        templates[templates.count - 1] = open - 1
                        sign(byte)
                    }
                default: if Self.isName(byte) { word() } else { sign(byte) }
                }
            }
        }

        private var current: UInt8? { index < bytes.count ? bytes[index] : nil }
        private var next: UInt8? { index + 1 < bytes.count ? bytes[index + 1] : nil }

        private mutating func newLine() {
            index += 1
            line += 1
            lineStart = index
        }

        private mutating func sign(_ byte: UInt8) {
            if byte == UInt8(ascii: "\\") { hasEscapedNames = true }
            previous = String(decoding: [byte], as: UTF8.self)
            index += 1
        }

        private static func isName(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "$"), 0x80...:
                true
            default: false
            }
        }

        private mutating func word() {
            let start = index
            while let byte = current, Self.isName(byte) { index += 1 }
            let word = String(decoding: bytes[start..<index], as: UTF8.self)
            defer { previous = word }
            guard names.contains(word) else { return }
            mentions.append((word, index))
            if Self.declaring.contains(previous) {
                declared.insert(word)
                return
            }
            var after = index
            while after < bytes.count, bytes[after] == UInt8(ascii: " ") { after += 1 }
            let isKey = after < bytes.count && bytes[after] == UInt8(ascii: ":") && (previous == "{" || previous == ",")
            guard previous != ".", !isKey else { return }
            uses.append(Use(name: word, line: line, column: start - lineStart + 1))
        }

        private mutating func comment() {
            index += 2
            while let byte = current {
                if byte == UInt8(ascii: "*"), next == UInt8(ascii: "/") {
                    index += 2
                    return
                }
                if byte == UInt8(ascii: "\n") { newLine() } else { index += 1 }
            }
        }

        /// A text, or a regular expression, which ends at a slash outside brackets.
        private mutating func quoted(_ quote: UInt8, isPattern: Bool) {
            index += 1
            let start = index
            defer { texts.append(start..<index) }
            var isInBrackets = false
            while let byte = current, byte != UInt8(ascii: "\n") {
                index += 1
                if byte == UInt8(ascii: "\\") {
                    if current == UInt8(ascii: "\n") { newLine() } else { index += 1 }
                    continue
                }
                if isPattern, byte == UInt8(ascii: "[") { isInBrackets = true }
                if isPattern, byte == UInt8(ascii: "]") { isInBrackets = false }
                if byte == quote, !isInBrackets { break }
            }
            previous = "text"
        }

        /// A template's text, up to its end or the next `${`.
        private mutating func template() {
            let start = index
            defer { texts.append(start..<min(index, bytes.count)) }
            while let byte = current {
                switch byte {
                case UInt8(ascii: "\\"): index += 2
                case UInt8(ascii: "\n"): newLine()
                case UInt8(ascii: "`"):
                    index += 1
                    previous = "text"
                    return
                case UInt8(ascii: "$") where next == UInt8(ascii: "{"):
                    index += 2
                    previous = "{"
                    templates.append(0)
                    return
                default: index += 1
                }
            }
        }
    }
}
