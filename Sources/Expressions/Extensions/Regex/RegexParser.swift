/// Reads RE2's syntax.
struct RegexParser {
    private struct Flags {
        var ignoresCase = false
        var isMultiline = false
        var dotTakesNewline = false
        var isUngreedy = false
    }

    private let pattern: [Unicode.Scalar]
    private var position = 0
    private var flags = Flags()
    private var depth = 0
    private(set) var groupCount = 0

    init(_ pattern: String) { self.pattern = Array(pattern.unicodeScalars) }

    mutating func parse() throws(RegexError) -> RegexTree {
        let tree = try choice()
        guard position == pattern.count else { throw RegexError("the pattern has a ')' too many") }
        return tree
    }

    private var current: Unicode.Scalar? { position < pattern.count ? pattern[position] : nil }

    private func peek(_ distance: Int) -> Unicode.Scalar? {
        position + distance < pattern.count ? pattern[position + distance] : nil
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard current == scalar else { return false }
        position += 1
        return true
    }

    private mutating func choice() throws(RegexError) -> RegexTree {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 50 else { throw RegexError("the pattern has more than 50 groups inside one another") }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(RegexError) -> RegexTree {
        var parts: [RegexTree] = []
        while let scalar = current, scalar != "|", scalar != ")" {
            guard let part = try atom() else { continue }
            if case .sequence(let literal) = part {
                parts += literal.dropLast()
                if let last = literal.last { parts.append(try repeated(last)) }
                continue
            }
            parts.append(try repeated(part))
        }
        return parts.isEmpty ? .empty : parts.count == 1 ? parts[0] : .sequence(parts)
    }

    // MARK: Repetition

    private mutating func repeated(_ part: RegexTree) throws(RegexError) -> RegexTree {
        guard let (least, most) = try quantifier() else { return part }
        let isLazy = take("?")
        let tree = RegexTree.repetition(part, least: least, most: most, isGreedy: isLazy == flags.isUngreedy)
        let afterFirst = position
        if try quantifier() != nil {
            position = afterFirst
            throw RegexError("the pattern repeats a repetition")
        }
        return tree
    }

    private mutating func quantifier() throws(RegexError) -> (Int, Int?)? {
        switch current {
        case "*":
            position += 1
            return (0, nil)
        case "+":
            position += 1
            return (1, nil)
        case "?":
            position += 1
            return (0, 1)
        case "{": return try bounds()
        default: return nil
        }
    }

    /// `{2}`, `{2,}`, `{2,5}`; any other brace is a character.
    private mutating func bounds() throws(RegexError) -> (Int, Int?)? {
        var end = position + 1
        func number(_ end: inout Int) -> Int? {
            var digits = ""
            while end < pattern.count, pattern[end].value >= 48, pattern[end].value <= 57, digits.count < 5 {
                digits.unicodeScalars.append(pattern[end])
                end += 1
            }
            return Int(digits)
        }
        guard let least = number(&end) else { return nil }
        var most: Int? = least
        if end < pattern.count, pattern[end] == "," {
            end += 1
            most = end < pattern.count && pattern[end] == "}" ? nil : number(&end) ?? -1
        }
        guard end < pattern.count, pattern[end] == "}", most != -1 else { return nil }
        position = end + 1
        guard least <= 1000, most ?? 0 <= 1000, least <= most ?? least else {
            throw RegexError("the pattern repeats more than 1000 times, or from more to less")
        }
        return (least, most)
    }

    // MARK: Atoms

    /// One thing that can be repeated; nil for a change of flags.
    private mutating func atom() throws(RegexError) -> RegexTree? {
        guard let scalar = current else { return .empty }
        position += 1
        switch scalar {
        case "(": return try group()
        case "[": return .one(try bracketClass())
        case ".": return .one(dot())
        case "^": return .check(flags.isMultiline ? .lineStart : .textStart)
        case "$": return .check(flags.isMultiline ? .lineEnd : .textEnd)
        case "\\": return try escape()
        case "*", "+", "?": throw RegexError("the pattern repeats nothing with '\(scalar)'")
        case "{":
            position -= 1
            let start = position
            if try quantifier() != nil { throw RegexError("the pattern repeats nothing with '{'") }
            position = start + 1
            return .one(single(scalar))
        default: return .one(single(scalar))
        }
    }

    private func single(_ scalar: Unicode.Scalar) -> CharacterClass {
        var set = CharacterClass()
        set.insert(scalar.value...scalar.value)
        return set.finished(isNegated: false, ignoresCase: flags.ignoresCase)
    }

    private func dot() -> CharacterClass {
        var set = CharacterClass()
        if flags.dotTakesNewline {
            set.insert(0...0x10FFFF)
            return set.finished(isNegated: false, ignoresCase: false)
        }
        set.insert(10...10)
        return set.finished(isNegated: true, ignoresCase: false)
    }

    private mutating func group() throws(RegexError) -> RegexTree? {
        let outer = flags
        if take("?") {
            if current == "P" || current == "<" { return try namedGroup(outer) }
            guard try flagGroup() else { return nil }  // the flags hold to the end of the enclosing group
            let inner = try choice()
            flags = outer
            guard take(")") else { throw RegexError("the pattern lacks a ')'") }
            return wrapped(inner)
        }
        return try capture(outer)
    }

    /// Keeps a group from being taken for the literal text of `\Q…\E`, whose last character alone is repeated.
    private func wrapped(_ tree: RegexTree) -> RegexTree {
        if case .sequence = tree { return .choice([tree]) }
        return tree
    }

    private mutating func capture(_ outer: Flags) throws(RegexError) -> RegexTree {
        groupCount += 1
        let number = groupCount
        guard number <= 100 else { throw RegexError("the pattern has more than 100 groups") }
        let inner = try choice()
        flags = outer
        guard take(")") else { throw RegexError("the pattern lacks a ')'") }
        return .group(inner, number: number)
    }

    private mutating func namedGroup(_ outer: Flags) throws(RegexError) -> RegexTree {
        _ = take("P")
        guard take("<") else { throw RegexError("the pattern has a group that RE2 does not know") }
        var name = ""
        while let scalar = current, scalar != ">" {
            guard scalar.isASCII, UInt8(scalar.value).continuesIdentifier else {
                throw RegexError("the pattern has a group with a bad name")
            }
            name.unicodeScalars.append(scalar)
            position += 1
        }
        guard take(">"), !name.isEmpty else {
            throw RegexError("the pattern has a group with a bad name")
        }
        return try capture(outer)
    }

    /// Reads `flags)` or `flags:`; true when a group follows.
    private mutating func flagGroup() throws(RegexError) -> Bool {
        var isSet = true
        var count = 0
        while let scalar = current {
            position += 1
            switch scalar {
            case "i": flags.ignoresCase = isSet
            case "m": flags.isMultiline = isSet
            case "s": flags.dotTakesNewline = isSet
            case "U": flags.isUngreedy = isSet
            case "-" where isSet: isSet = false
            case ":": return true
            case ")" where count > 0: return false
            default: throw RegexError("the pattern has a group that RE2 does not know")
            }
            count += 1
        }
        throw RegexError("the pattern lacks a ')'")
    }

    // MARK: Escapes

    private mutating func escape() throws(RegexError) -> RegexTree {
        guard let scalar = current else { throw RegexError("the pattern ends with a backslash") }
        switch scalar {
        case "A": return check(.textStart)
        case "z": return check(.textEnd)
        case "b": return check(.wordBoundary)
        case "B": return check(.noWordBoundary)
        case "Q": return literalText()
        default: break
        }
        if let set = try classEscape() { return .one(set.finished(isNegated: false, ignoresCase: flags.ignoresCase)) }
        return .one(single(try characterEscape()))
    }

    private mutating func check(_ assertion: RegexAssertion) -> RegexTree {
        position += 1
        return .check(assertion)
    }

    /// `\Q…\E`; the end may be missing.
    private mutating func literalText() -> RegexTree {
        position += 1
        var parts: [RegexTree] = []
        while let scalar = current {
            if scalar == "\\", peek(1) == "E" {
                position += 2
                break
            }
            parts.append(.one(single(scalar)))
            position += 1
        }
        return .sequence(parts)
    }

    /// `\d`, `\pL` and their like; nil when another escape stands here.
    ///
    /// The position is after the backslash.
    private mutating func classEscape() throws(RegexError) -> CharacterClass? {
        guard let scalar = current else { return nil }
        if let set = Self.perlClass(scalar) {
            position += 1
            return set
        }
        guard scalar == "p" || scalar == "P" else { return nil }
        position += 1
        var isNegated = scalar == "P"
        var name = ""
        if take("{") {
            while let scalar = current, scalar != "}" {
                name.unicodeScalars.append(scalar)
                position += 1
            }
            guard take("}") else { throw RegexError("the pattern lacks a '}'") }
            if name.hasPrefix("^") {
                name.removeFirst()
                isNegated.toggle()
            }
        } else if let scalar = current {
            name.unicodeScalars.append(scalar)
            position += 1
        }
        guard Self.categories.contains(name) else {
            throw RegexError("the pattern asks for the characters '\(name)', which are not known")
        }
        var set = CharacterClass()
        set.insert(category: name, isNegated: isNegated)
        return set
    }

    private static let categories: Set<String> = [
        "Any", "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps",
        "Pe", "Pi", "Pf", "Po", "S", "Sm", "Sc", "Sk", "So", "Z", "Zs", "Zl", "Zp", "C", "Cc", "Cf", "Cs", "Co",
    ]

    /// The sets of `\d`, `\s`, `\w` and of what is outside them.
    private static func perlClass(_ scalar: Unicode.Scalar) -> CharacterClass? {
        let ranges: [ClosedRange<UInt32>]
        switch scalar {
        case "d", "D": ranges = [48...57]
        case "s", "S": ranges = [9...10, 12...13, 32...32]
        case "w", "W": ranges = [48...57, 65...90, 95...95, 97...122]
        default: return nil
        }
        var set = CharacterClass()
        if scalar.properties.isUppercase {
            set.insert(complementOf: ranges)
        } else {
            for range in ranges { set.insert(range) }
        }
        return set
    }

    private mutating func characterEscape() throws(RegexError) -> Unicode.Scalar {
        guard let scalar = current else { throw RegexError("the pattern ends with a backslash") }
        position += 1
        switch scalar {
        case "a": return "\u{07}"
        case "f": return "\u{0C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0B}"
        case "x": return try hexadecimalEscape()
        case "0"..."7": return try octalEscape(scalar)
        default:
            guard scalar.isASCII, !UInt8(scalar.value).continuesIdentifier || scalar == "_" else {
                throw RegexError("the pattern has the escape '\\\(scalar)', which RE2 does not know")
            }
            return scalar
        }
    }

    private mutating func octalEscape(_ first: Unicode.Scalar) throws(RegexError) -> Unicode.Scalar {
        let isOctal: (Unicode.Scalar?) -> Bool = { ("0"..."7").contains($0 ?? " ") }
        guard first == "0" || isOctal(current) else {
            throw RegexError("the pattern has a back reference, which RE2 does not know")
        }
        var code = first.value - 48
        var count = 1
        while count < 3, let scalar = current, isOctal(scalar) {
            code = code * 8 + scalar.value - 48
            position += 1
            count += 1
        }
        return Unicode.Scalar(code) ?? "\u{FFFD}"
    }

    private mutating func hexadecimalEscape() throws(RegexError) -> Unicode.Scalar {
        var digits = ""
        if take("{") {
            while let scalar = current, scalar != "}", digits.utf8.count < 8 {
                digits.unicodeScalars.append(scalar)
                position += 1
            }
            guard take("}") else { throw RegexError("the pattern has a malformed \\x") }
        } else {
            for _ in 0..<2 {
                guard let scalar = current else { break }
                digits.unicodeScalars.append(scalar)
                position += 1
            }
            guard digits.utf8.count == 2 else { throw RegexError("the pattern has a malformed \\x") }
        }
        guard digits.utf8.allSatisfy({ hexValue($0) != nil }), let code = UInt32(digits, radix: 16),
            let scalar = Unicode.Scalar(code)
        else { throw RegexError("the pattern has a malformed \\x") }
        return scalar
    }

    // MARK: Classes

    private mutating func bracketClass() throws(RegexError) -> CharacterClass {
        let isNegated = take("^")
        var set = CharacterClass()
        var isFirst = true
        while let scalar = current {
            if scalar == "]", !isFirst {
                position += 1
                return set.finished(isNegated: isNegated, ignoresCase: flags.ignoresCase)
            }
            isFirst = false
            if scalar == "[", peek(1) == ":" {
                if let named = try namedClass() {
                    set.insert(named)
                    continue
                }
            }
            if scalar == "\\" {
                position += 1
                if let escaped = try classEscape() {
                    set.insert(escaped)
                    continue
                }
                position -= 1
            }
            let lower = try classCharacter()
            var upper = lower
            if current == "-", let next = peek(1), next != "]" {
                position += 1
                upper = try classCharacter()
                guard lower.value <= upper.value else { throw RegexError("the pattern has a range from more to less") }
            }
            set.insert(lower.value...upper.value)
        }
        throw RegexError("the pattern lacks a ']'")
    }

    private mutating func classCharacter() throws(RegexError) -> Unicode.Scalar {
        guard let scalar = current else { throw RegexError("the pattern lacks a ']'") }
        position += 1
        return scalar == "\\" ? try characterEscape() : scalar
    }

    /// `[:alpha:]` inside a class; nil when it is none.
    private mutating func namedClass() throws(RegexError) -> CharacterClass? {
        var end = position + 2
        var name = ""
        while end + 1 < pattern.count, pattern[end] != ":", name.count < 12 {
            name.unicodeScalars.append(pattern[end])
            end += 1
        }
        guard end + 1 < pattern.count, pattern[end] == ":", pattern[end + 1] == "]" else { return nil }
        position = end + 2
        let isNegated = name.hasPrefix("^")
        guard let ranges = Self.namedRanges[isNegated ? String(name.dropFirst()) : name] else {
            throw RegexError("the pattern asks for the characters '[:\(name):]', which are not known")
        }
        var set = CharacterClass()
        if isNegated {
            set.insert(complementOf: ranges)
        } else {
            for range in ranges { set.insert(range) }
        }
        return set
    }

    private static let namedRanges: [String: [ClosedRange<UInt32>]] = [
        "alnum": [48...57, 65...90, 97...122], "alpha": [65...90, 97...122], "ascii": [0...127],
        "blank": [9...9, 32...32], "cntrl": [0...31, 127...127], "digit": [48...57], "graph": [33...126],
        "lower": [97...122], "print": [32...126], "punct": [33...47, 58...64, 91...96, 123...126],
        "space": [9...13, 32...32], "upper": [65...90], "word": [48...57, 65...90, 95...95, 97...122],
        "xdigit": [48...57, 65...70, 97...102],
    ]
}
