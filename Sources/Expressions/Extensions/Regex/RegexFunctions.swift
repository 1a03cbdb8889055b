/// `matches` and the regex extension.
enum RegexFunctions {
    static let functions: [(String, FunctionBody)] = [
        ("matches", .binary(matches)), ("regex.extract", .binary(extract)),
        ("regex.extractAll", .binary(extractAll)), ("regex.replace", .any(replace)),
    ]

    static func compile(_ pattern: String, _ frame: inout Frame) throws(EvaluationError) -> Regex {
        try frame.charge(pattern.utf8.count + 1)
        let regex: Regex
        do throws(RegexError) {
            regex = try Regex.compile(pattern)
        } catch {
            throw .invalid(error.message)
        }
        try frame.charge(regex.program.count)
        return regex
    }

    private static func matches(
        _ text: Value,
        _ pattern: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        guard case .string(let pattern) = pattern else { throw .noOverload("matches", text, pattern) }
        return try matches(text, try compile(pattern, &frame), &frame)
    }

    static func matches(_ text: Value, _ regex: Regex, _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard case .string(let text) = text else { throw .noOverload("matches", text, .string("")) }
        try frame.charge(making: text.utf8.count)
        var matcher = RegexMatcher(regex, text: text, keepsPositions: false)
        return .bool(try matcher.match(from: 0, &frame) != nil)
    }

    /// All matches from left to right without overlaps.
    private static func allMatches(
        _ text: String,
        _ regex: Regex,
        limit: Int,
        _ frame: inout Frame
    ) throws(EvaluationError) -> (scalars: [Unicode.Scalar], matches: [[Int]]) {
        try frame.charge(making: text.utf8.count * 4)
        var matcher = RegexMatcher(regex, text: text, keepsPositions: true)
        var matches: [[Int]] = []
        var start = 0
        while matches.count < limit, start <= matcher.scalars.count {
            guard let match = try matcher.match(from: start, &frame) else { break }
            // An empty match right after the one before does not count.
            if match[0] == match[1], let last = matches.last, last[1] == match[0] {
                start = match[1] + 1
                continue
            }
            matches.append(match)
            start = match[1] > match[0] ? match[1] : match[1] + 1
        }
        return (matcher.scalars, matches)
    }

    private static func part(_ scalars: [Unicode.Scalar], _ start: Int, _ end: Int) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars[start..<end])
        return String(view)
    }

    /// The one group of a match, or all of it when the pattern has none; nil when the group took no part.
    private static func extracted(
        _ match: [Int],
        _ regex: Regex,
        _ scalars: [Unicode.Scalar]
    ) throws(EvaluationError) -> String? {
        guard regex.groupCount <= 1 else { throw .invalid("the pattern has more than one group") }
        let slot = regex.groupCount * 2
        guard match[slot] >= 0, match[slot + 1] >= 0 else { return nil }
        return part(scalars, match[slot], match[slot + 1])
    }

    private static func extract(
        _ text: Value,
        _ pattern: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        guard case .string(let string) = text, case .string(let pattern) = pattern else {
            throw .noOverload("regex.extract", text, pattern)
        }
        let regex = try compile(pattern, &frame)
        let (scalars, matches) = try allMatches(string, regex, limit: 1, &frame)
        guard regex.groupCount <= 1 else { throw .invalid("the pattern has more than one group") }
        guard let match = matches.first, let found = try extracted(match, regex, scalars) else {
            return .optional(.none)
        }
        return .optional(OptionalValue(.string(found)))
    }

    private static func extractAll(
        _ text: Value,
        _ pattern: Value,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        guard case .string(let string) = text, case .string(let pattern) = pattern else {
            throw .noOverload("regex.extractAll", text, pattern)
        }
        let regex = try compile(pattern, &frame)
        guard regex.groupCount <= 1 else { throw .invalid("the pattern has more than one group") }
        let (scalars, matches) = try allMatches(string, regex, limit: .max, &frame)
        try frame.charge(matches.count)
        var parts: [Value] = []
        for match in matches {
            if let found = try extracted(match, regex, scalars) { parts.append(.string(found)) }
        }
        return .list(parts)
    }

    private static func replace(_ values: [Value], _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard values.count == 3 || values.count == 4, case .string(let text) = values[0],
            case .string(let pattern) = values[1], case .string(let replacement) = values[2]
        else { throw .noOverload("regex.replace", values) }
        var limit = Int.max
        if values.count == 4 {
            guard case .int(let number) = values[3] else { throw .noOverload("regex.replace", values) }
            if number >= 0 { limit = Int(number) }
        }
        let regex = try compile(pattern, &frame)
        let template = try replacementParts(replacement, groupCount: regex.groupCount)
        let (scalars, matches) = try allMatches(text, regex, limit: limit, &frame)
        var result = ""
        var end = 0
        for match in matches {
            var piece = part(scalars, end, match[0])
            for entry in template {
                switch entry {
                case .text(let text): piece += text
                case .group(let number) where match[number * 2] >= 0:
                    piece += part(scalars, match[number * 2], match[number * 2 + 1])
                case .group: break
                }
                try frame.charge(making: piece.utf8.count)
            }
            result += piece
            end = match[1]
        }
        return .string(result + part(scalars, end, scalars.count))
    }

    private enum ReplacementPart {
        case text(String)
        case group(Int)
    }

    /// `\1` is the first group, `\0` the whole match, `\\` a backslash.
    private static func replacementParts(
        _ text: String,
        groupCount: Int
    ) throws(EvaluationError) -> [ReplacementPart] {
        var parts: [ReplacementPart] = []
        var literal = ""
        var isEscaped = false
        for scalar in text.unicodeScalars {
            if !isEscaped {
                if scalar == "\\" { isEscaped = true } else { literal.unicodeScalars.append(scalar) }
                continue
            }
            isEscaped = false
            if scalar == "\\" {
                literal += "\\"
            } else if ("0"..."9").contains(scalar), Int(scalar.value - 48) <= groupCount {
                parts.append(.text(literal))
                literal = ""
                parts.append(.group(Int(scalar.value - 48)))
            } else {
                throw .invalid("the replacement names a group that the pattern has not")
            }
        }
        if isEscaped { throw .invalid("the replacement ends with a backslash") }
        return parts + [.text(literal)]
    }
}

/// `text.matches('pattern')` with a pattern that was compiled with the expression.
final class MatchesNode: EvaluationNode {
    let range: Range<Int>
    private let text: any EvaluationNode
    private let regex: Regex

    init(_ text: any EvaluationNode, _ regex: Regex, range: Range<Int>) {
        self.text = text
        self.regex = regex
        self.range = range
    }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        let value = try text.evaluate(&frame)
        do throws(EvaluationError) {
            return try RegexFunctions.matches(value, regex, &frame)
        } catch {
            throw error.placed(at: range)
        }
    }
}
