/// CEL's standard functions on text and its strings and encoders extensions.
///
/// Positions count code points.
enum StringFunctions {
    static let functions: [(String, FunctionBody)] = [
        pair("startsWith") { $0.utf8.starts(with: $1.utf8) },
        pair("endsWith") { $0.utf8.reversed().starts(with: $1.utf8.reversed()) },
        pair("contains") { firstOffset(of: Array($1.utf8), in: Array($0.utf8), from: 0) != nil },
        ("charAt", .binary(charAt)),
        (
            "indexOf",
            .binary({ (text, part, frame) throws(EvaluationError) in
                try indexOf([text, part], &frame)
            })
        ),
        (
            "indexOf",
            .ternary({ (text, part, start, frame) throws(EvaluationError) in
                try indexOf([text, part, start], &frame)
            })
        ),
        (
            "lastIndexOf",
            .binary({ (text, part, frame) throws(EvaluationError) in
                try lastIndexOf([text, part], &frame)
            })
        ),
        (
            "lastIndexOf",
            .ternary({ (text, part, start, frame) throws(EvaluationError) in
                try lastIndexOf([text, part, start], &frame)
            })
        ),
        (
            "lowerAscii",
            .unary({ (text, frame) throws(EvaluationError) in
                try mapBytes("lowerAscii", text, &frame) { $0 >= 65 && $0 <= 90 ? $0 + 32 : $0 }
            })
        ),
        (
            "upperAscii",
            .unary({ (text, frame) throws(EvaluationError) in
                try mapBytes("upperAscii", text, &frame) { $0 >= 97 && $0 <= 122 ? $0 - 32 : $0 }
            })
        ),
        ("replace", .any(replace)), ("split", .any(split)), ("substring", .any(substring)),
        ("trim", .unary(trim)), ("join", .any(join)), ("strings.quote", .unary(quote)),
        ("base64.encode", .unary(encodeBase64)), ("base64.decode", .unary(decodeBase64)),
    ]

    private static func pair(
        _ name: String,
        _ holds: @escaping @Sendable (String, String) -> Bool
    ) -> (String, FunctionBody) {
        (
            name,
            .binary({ (text, part, frame) throws(EvaluationError) in
                guard case .string(let text) = text, case .string(let part) = part else {
                    throw .noOverload(name, text, part)
                }
                try frame.charge(reading: text.utf8.count + part.utf8.count)
                return .bool(holds(text, part))
            })
        )
    }

    /// The byte offset of the first place of a part, by Knuth, Morris and Pratt: linear however repetitive the text.
    static func firstOffset(of part: [UInt8], in text: [UInt8], from start: Int) -> Int? {
        guard !part.isEmpty else { return start <= text.count ? start : nil }
        guard text.count - start >= part.count else { return nil }
        let table = failureTable(part)
        var matched = 0
        for position in start..<text.count {
            while matched > 0, part[matched] != text[position] { matched = table[matched - 1] }
            if part[matched] == text[position] { matched += 1 }
            if matched == part.count { return position + 1 - matched }
        }
        return nil
    }

    private static func failureTable(_ part: [UInt8]) -> [Int] {
        var table = [Int](repeating: 0, count: part.count)
        var matched = 0
        for position in part.indices.dropFirst() {
            while matched > 0, part[matched] != part[position] { matched = table[matched - 1] }
            if part[matched] == part[position] { matched += 1 }
            table[position] = matched
        }
        return table
    }

    /// All byte offsets at which a part begins, without overlaps.
    private static func offsets(of part: [UInt8], in text: [UInt8], limit: Int) -> [Int] {
        let table = failureTable(part)
        var offsets: [Int] = []
        var matched = 0
        for position in text.indices where offsets.count < limit {
            while matched > 0, part[matched] != text[position] { matched = table[matched - 1] }
            if part[matched] == text[position] { matched += 1 }
            if matched == part.count {
                offsets.append(position + 1 - matched)
                matched = 0
            }
        }
        return offsets
    }

    // MARK: Positions

    private static func charAt(_ text: Value, _ index: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard case .string(let string) = text, case .int(let index) = index else {
            throw .noOverload("charAt", text, index)
        }
        try frame.charge(reading: string.utf8.count)
        let scalars = string.unicodeScalars
        guard index >= 0,
            let position = scalars.index(scalars.startIndex, offsetBy: Int(index), limitedBy: scalars.endIndex)
        else { throw outOfRange(index) }
        return .string(position == scalars.endIndex ? "" : String(scalars[position]))
    }

    private static func outOfRange(_ index: Int64) -> EvaluationError { .invalid("index out of range: \(index)") }

    private static func textAndPart(
        _ name: String,
        _ values: [Value],
        _ frame: inout Frame
    ) throws(EvaluationError) -> (text: [Unicode.Scalar], part: [Unicode.Scalar], start: Int64?) {
        guard case .string(let text) = values[0], case .string(let part) = values[1] else {
            throw .noOverload(name, values)
        }
        var start: Int64?
        if values.count > 2 {
            guard case .int(let number) = values[2] else { throw .noOverload(name, values) }
            start = number
        }
        try frame.charge(making: text.utf8.count + part.utf8.count)
        return (Array(text.unicodeScalars), Array(part.unicodeScalars), start)
    }

    private static func indexOf(_ values: [Value], _ frame: inout Frame) throws(EvaluationError) -> Value {
        let (text, part, start) = try textAndPart("indexOf", values, &frame)
        let from = start ?? 0
        guard from >= 0, from <= text.count else { throw outOfRange(from) }
        if part.isEmpty { return .int(from) }
        return .int(try search(text, part, from: Int(from), &frame).map(Int64.init) ?? -1)
    }

    private static func lastIndexOf(_ values: [Value], _ frame: inout Frame) throws(EvaluationError) -> Value {
        let (text, part, start) = try textAndPart("lastIndexOf", values, &frame)
        let from = start ?? Int64(text.count)
        guard from >= 0, from <= text.count else { throw outOfRange(from) }
        if part.isEmpty { return .int(from) }
        if part.count > text.count { return .int(-1) }
        // The last place at or before `from` is the first one in the reversed text.
        let end = min(text.count, Int(from) + part.count)
        let reversed = try search(text[..<end].reversed(), part.reversed(), from: 0, &frame)
        return .int(reversed.map { Int64(end - $0 - part.count) } ?? -1)
    }

    private static func search(
        _ text: [Unicode.Scalar],
        _ part: [Unicode.Scalar],
        from start: Int,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Int? {
        var table = [Int](repeating: 0, count: part.count)
        var matched = 0
        for position in part.indices.dropFirst() {
            while matched > 0, part[matched] != part[position] { matched = table[matched - 1] }
            if part[matched] == part[position] { matched += 1 }
            table[position] = matched
        }
        matched = 0
        guard start < text.count else { return nil }
        for position in start..<text.count {
            while matched > 0, part[matched] != text[position] { matched = table[matched - 1] }
            if part[matched] == text[position] { matched += 1 }
            if matched == part.count { return position + 1 - matched }
        }
        return nil
    }

    private static func substring(_ values: [Value], _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard values.count == 2 || values.count == 3, case .string(let text) = values[0],
            case .int(let start) = values[1]
        else { throw .noOverload("substring", values) }
        try frame.charge(making: text.utf8.count)
        let scalars = text.unicodeScalars
        var end = Int64(scalars.count)
        let count = end
        if values.count == 3 {
            guard case .int(let number) = values[2] else { throw .noOverload("substring", values) }
            end = number
        }
        guard start >= 0, start <= count else { throw outOfRange(start) }
        guard end >= 0, end <= count else { throw outOfRange(end) }
        guard start <= end else { throw .invalid("invalid substring range. start: \(start), end: \(end)") }
        let first = scalars.index(scalars.startIndex, offsetBy: Int(start))
        let last = scalars.index(first, offsetBy: Int(end - start))
        return .string(String(scalars[first..<last]))
    }

    // MARK: Changes

    private static func mapBytes(
        _ name: String,
        _ text: Value,
        _ frame: inout Frame,
        _ change: (UInt8) -> UInt8
    ) throws(EvaluationError) -> Value {
        guard case .string(let text) = text else { throw .noOverload(name, text) }
        try frame.charge(making: text.utf8.count)
        return .string(String(decoding: text.utf8.map(change), as: UTF8.self))
    }

    private static func replace(_ values: [Value], _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard values.count == 3 || values.count == 4, case .string(let text) = values[0],
            case .string(let old) = values[1], case .string(let new) = values[2]
        else { throw .noOverload("replace", values) }
        var limit = Int.max
        if values.count == 4 {
            guard case .int(let number) = values[3] else { throw .noOverload("replace", values) }
            if number >= 0 { limit = Int(number) }
        }
        try frame.charge(making: text.utf8.count + old.utf8.count)
        if limit == 0 { return values[0] }
        let bytes = Array(text.utf8)
        if old.isEmpty { return try insertBetween(text, new, limit: limit, &frame) }
        let offsets = offsets(of: Array(old.utf8), in: bytes, limit: limit)
        if offsets.isEmpty { return values[0] }
        try frame.charge(making: offsets.count * new.utf8.count)
        var result: [UInt8] = []
        var end = 0
        for offset in offsets {
            result.append(contentsOf: bytes[end..<offset])
            result.append(contentsOf: new.utf8)
            end = offset + old.utf8.count
        }
        result.append(contentsOf: bytes[end...])
        return .string(String(decoding: result, as: UTF8.self))
    }

    /// The empty text is found before, between and after all code points.
    private static func insertBetween(
        _ text: String,
        _ new: String,
        limit: Int,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        let count = text.unicodeScalars.count
        let places = min(limit, count + 1)
        let (size, overflow) = places.multipliedReportingOverflow(by: new.utf8.count)
        if overflow { throw Frame.exhausted }
        try frame.charge(making: size)
        var result = ""
        for (position, scalar) in text.unicodeScalars.enumerated() {
            if position < places { result += new }
            result.unicodeScalars.append(scalar)
        }
        if count < places { result += new }
        return .string(result)
    }

    private static func split(_ values: [Value], _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard values.count == 2 || values.count == 3, case .string(let text) = values[0],
            case .string(let separator) = values[1]
        else { throw .noOverload("split", values) }
        var limit = Int.max
        if values.count == 3 {
            guard case .int(let number) = values[2] else { throw .noOverload("split", values) }
            if number >= 0 { limit = Int(number) }
        }
        try frame.charge(making: text.utf8.count + separator.utf8.count)
        if limit == 0 { return .list([]) }
        if limit == 1 { return .list([values[0]]) }
        if separator.isEmpty { return try splitScalars(text, limit: limit, &frame) }
        let bytes = Array(text.utf8)
        let offsets = offsets(of: Array(separator.utf8), in: bytes, limit: limit - 1)
        try frame.charge(offsets.count + 1)
        var parts: [Value] = []
        var end = 0
        for offset in offsets {
            parts.append(.string(String(decoding: bytes[end..<offset], as: UTF8.self)))
            end = offset + separator.utf8.count
        }
        parts.append(.string(String(decoding: bytes[end...], as: UTF8.self)))
        return .list(parts)
    }

    private static func splitScalars(
        _ text: String,
        limit: Int,
        _ frame: inout Frame
    ) throws(EvaluationError) -> Value {
        let scalars = text.unicodeScalars
        try frame.charge(scalars.count)
        var parts: [Value] = []
        var position = scalars.startIndex
        while position < scalars.endIndex, parts.count + 1 < limit {
            parts.append(.string(String(scalars[position])))
            position = scalars.index(after: position)
        }
        if position < scalars.endIndex { parts.append(.string(String(scalars[position...]))) }
        return .list(parts)
    }

    private static func trim(_ text: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard case .string(let string) = text else { throw .noOverload("trim", text) }
        try frame.charge(making: string.utf8.count)
        let scalars = string.unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return .string("") }
        return .string(String(scalars[first...last]))
    }

    private static func join(_ values: [Value], _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard values.count == 1 || values.count == 2, case .list(let elements) = values[0] else {
            throw .noOverload("join", values)
        }
        var separator = ""
        if values.count == 2 {
            guard case .string(let text) = values[1] else { throw .noOverload("join", values) }
            separator = text
        }
        var result = ""
        for (position, element) in elements.enumerated() {
            guard case .string(let part) = element else { throw .noOverload("join", element) }
            try frame.charge(1)
            try frame.charge(making: part.utf8.count + separator.utf8.count)
            if position > 0 { result += separator }
            result += part
        }
        return .string(result)
    }

    // MARK: Quoting and encoding

    private static func quote(_ text: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard case .string(let string) = text else { throw .noOverload("strings.quote", text) }
        try frame.charge(making: string.utf8.count * 2 + 2)
        var result = "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\u{07}": result += "\\a"
            case "\u{08}": result += "\\b"
            case "\u{0C}": result += "\\f"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{0B}": result += "\\v"
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return .string(result + "\"")
    }

    private static func encodeBase64(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard case .bytes(let bytes) = value else { throw .noOverload("base64.encode", value) }
        try frame.charge(making: bytes.count * 2)
        return .string(Base64.encode(bytes))
    }

    private static func decodeBase64(_ value: Value, _ frame: inout Frame) throws(EvaluationError) -> Value {
        guard case .string(let text) = value else { throw .noOverload("base64.decode", value) }
        try frame.charge(making: text.utf8.count)
        guard let bytes = Base64.decode(text) else { throw .invalid("the text is not base64") }
        return .bytes(bytes)
    }
}
