/// The header fields of a request or a response, in order, each name as it was written.
///
/// Look-ups ignore the case of ASCII letters, as RFC 9110 section 5.1 says. `description` shows names alone: values
/// carry credentials.
package struct HTTPHeaders: Sendable, Hashable {
    private struct Field: Sendable, Hashable {
        var name: String
        var value: String
    }

    private var fields: [Field]

    /// No fields.
    package init() {
        fields = []
    }

    /// The given fields, in the given order; a name may stand more than once.
    package init(_ pairs: [(String, String)]) {
        fields = pairs.map { Field(name: $0.0, value: $0.1) }
    }

    /// All fields in order.
    package var pairs: [(name: String, value: String)] {
        fields.map { (name: $0.name, value: $0.value) }
    }

    /// How many fields there are; a repeated name counts each time.
    package var count: Int { fields.count }

    /// Whether there is no field.
    package var isEmpty: Bool { fields.isEmpty }

    /// The first value of a name, or nil; setting replaces every field of that name (nil removes them).
    package subscript(_ name: String) -> String? {
        get { fields.first { Self.isSame($0.name, name) }?.value }
        set {
            let place = fields.firstIndex { Self.isSame($0.name, name) }
            fields.removeAll { Self.isSame($0.name, name) }
            guard let newValue else { return }
            fields.insert(Field(name: name, value: newValue), at: place ?? fields.count)
        }
    }

    /// All values of a name, in order.
    package func all(_ name: String) -> [String] {
        fields.compactMap { Self.isSame($0.name, name) ? $0.value : nil }
    }

    /// Adds a field at the end, beside others of the same name.
    package mutating func add(name: String, value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Lengthens the last field by a continuation line (RFC 9112 section 5.2: a fold becomes one space).
    mutating func continueLast(_ text: String) {
        guard let last = fields.indices.last else { return }
        fields[last].value += " " + text
    }

    private static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && zip(left.utf8, right.utf8).allSatisfy { lowered($0) == lowered($1) }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }
}

extension HTTPHeaders: ExpressibleByDictionaryLiteral {
    /// The fields of a literal, in the order written; a repeated name is kept.
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements)
    }
}

extension HTTPHeaders: CustomStringConvertible, CustomDebugStringConvertible {
    /// The names, never a value.
    package var description: String { "[" + fields.map(\.name).joined(separator: ", ") + "]" }

    /// The same as `description`, so that printing a structure around it leaks nothing either.
    package var debugDescription: String { description }
}
