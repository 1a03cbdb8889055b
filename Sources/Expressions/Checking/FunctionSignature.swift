/// One overload of a function, for the checker.
package struct FunctionSignature: Sendable, Hashable {
    /// The name: `size`, `math.ceil`, `_+_`.
    package let name: String
    /// Whether it is called on its first parameter: `text.size()`.
    package let isMember: Bool
    let parameters: [DeducedType]
    let result: DeducedType
    /// How many type parameters the types use.
    let parameterCount: Int

    /// Reads the types from text; nil when one cannot be read.
    ///
    /// Types are written as CEL writes them, the receiver of a member first: `int`, `list(string)`, `map(K,V)`. A single
    /// capital letter or `param(T)` is a type parameter, an unknown name an opaque type.
    package init?(name: String, isMember: Bool, parameters: [String], result: String) {
        var reader = TypeReader()
        var types: [DeducedType] = []
        for text in parameters {
            guard let type = reader.read(text) else { return nil }
            types.append(type)
        }
        guard let resultType = reader.read(result) else { return nil }
        self.name = name
        self.isMember = isMember
        self.parameters = types
        self.result = resultType
        self.parameterCount = reader.names.count
    }

    /// Reads `name(int,A) A` or, for a member, `string::name(int) bool`.
    init?(line: Substring) {
        let colons = line.firstRange(of: "::")
        let call = colons.map { line[$0.upperBound...] } ?? line
        guard let open = call.firstIndex(of: "("), let space = call.lastIndex(of: " "),
            let close = call[..<space].lastIndex(of: ")"), open < close
        else { return nil }
        var parameters = splitTypes(call[call.index(after: open)..<close])
        if let colons { parameters.insert(line[..<colons.lowerBound], at: 0) }
        self.init(
            name: String(call[..<open]),
            isMember: colons != nil,
            parameters: parameters.map(String.init),
            result: String(call[call.index(after: space)...])
        )
    }

    /// The signature as messages show it: `string.startsWith(string)`.
    var description: String {
        let shown = parameters.map(\.description)
        if isMember { return "\(shown.first ?? "").\(name)(\(shown.dropFirst().joined(separator: ", ")))" }
        return "\(name)(\(shown.joined(separator: ", ")))"
    }
}

/// Splits at the commas outside parentheses.
private func splitTypes(_ text: Substring) -> [Substring] {
    var parts: [Substring] = []
    var depth = 0
    var start = text.startIndex
    for position in text.indices {
        switch text[position] {
        case "(": depth += 1
        case ")": depth -= 1
        case "," where depth == 0:
            parts.append(text[start..<position])
            start = text.index(after: position)
        default: break
        }
    }
    if start < text.endIndex { parts.append(text[start...]) }
    return parts
}

/// Reads types from text and numbers their parameters.
struct TypeReader {
    private(set) var names: [String] = []

    private static let simple: [String: DeducedType] = [
        "dyn": .dynamic, "null_type": .null, "bool": .bool, "int": .int, "uint": .uint, "double": .double,
        "string": .string, "bytes": .bytes, "timestamp": .timestamp, "duration": .duration, "type": .type,
        "list": .list(.dynamic), "map": .map(.dynamic, .dynamic),
    ]

    mutating func read(_ text: String) -> DeducedType? { read(Substring(text), depth: 0) }

    private mutating func read(_ text: Substring, depth: Int) -> DeducedType? {
        guard depth < 20, !text.isEmpty else { return nil }
        guard let open = text.firstIndex(of: "(") else {
            if let simple = Self.simple[String(text)] { return simple }
            if text.count == 1, text.allSatisfy({ $0.isUppercase }) { return parameter(String(text)) }
            return .opaque(String(text), [])
        }
        guard text.last == ")" else { return nil }
        let name = text[..<open]
        let inner = text[text.index(after: open)..<text.index(before: text.endIndex)]
        if name == "param" { return parameter(String(inner)) }
        if name == "message" { return message(inner) }
        var arguments: [DeducedType] = []
        for part in splitTypes(inner) {
            guard let argument = read(part, depth: depth + 1) else { return nil }
            arguments.append(argument)
        }
        switch (name, arguments.count) {
        case ("list", 1): return .list(arguments[0])
        case ("map", 2): return .map(arguments[0], arguments[1])
        case ("optional_type", 1): return .optional(arguments[0])
        case ("type", 1), ("wrapper", 1): return name == "type" ? .type : arguments[0]
        default: return .opaque(String(name), arguments)
        }
    }

    private func message(_ name: Substring) -> DeducedType {
        switch name {
        case "google.protobuf.Timestamp": .timestamp
        case "google.protobuf.Duration": .duration
        default: .opaque(String(name), [])
        }
    }

    private mutating func parameter(_ name: String) -> DeducedType {
        if let number = names.firstIndex(of: name) { return .parameter(number) }
        names.append(name)
        return .parameter(names.count - 1)
    }
}

extension ExpressionType {
    /// Reads a type as CEL writes it, `map(string,int)`; nil when it is not one.
    ///
    /// Unknown names are dynamic.
    package init?(celText text: String) {
        var reader = TypeReader()
        guard let type = reader.read(text) else { return nil }
        self = type.expressionType
    }
}
