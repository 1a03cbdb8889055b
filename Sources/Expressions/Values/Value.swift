/// A value of the expression language: what flows, tables, requests and journals hold.
///
/// `==` and `hash(into:)` compare the representation: `int(1)` and `double(1)` differ, `NaN` equals itself, and
/// strings are equal when their code points are. CEL's own equality is ``celEquals(_:)``.
package enum Value: Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case list([Value])
    case map(ValueMap)
    case timestamp(Timestamp)
    case duration(Duration)
    case type(TypeValue)
    case optional(OptionalValue)
}

/// A type as a value: what `type(x)` gives.
package struct TypeValue: Sendable, Hashable {
    /// CEL's name of the type, such as `int`, `list` or `google.protobuf.Timestamp`.
    package let name: String

    package init(name: String) { self.name = name }
}

/// A value that may be absent: what `a.?b` and `optional.of(x)` give.
package struct OptionalValue: Sendable, Hashable {
    /// None or one; an array because an enum cannot hold itself in place.
    private let content: [Value]

    /// The absent value.
    package static let none = OptionalValue(content: [])

    private init(content: [Value]) { self.content = content }

    /// Wraps a present value.
    package init(_ value: Value) { self.content = [value] }

    /// The value, or nil when absent.
    package var value: Value? { content.first }
}

extension Value: Hashable {
    package static func == (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.int(let left), .int(let right)): left == right
        case (.uint(let left), .uint(let right)): left == right
        case (.double(let left), .double(let right)): left.bitPattern == right.bitPattern
        case (.string(let left), .string(let right)): left.hasSameScalars(as: right)
        case (.bytes(let left), .bytes(let right)): left == right
        case (.list(let left), .list(let right)): left == right
        case (.map(let left), .map(let right)): left == right
        case (.timestamp(let left), .timestamp(let right)): left == right
        case (.duration(let left), .duration(let right)): left == right
        case (.type(let left), .type(let right)): left == right
        case (.optional(let left), .optional(let right)): left == right
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(kindName)
        switch self {
        case .null: break
        case .bool(let value): hasher.combine(value)
        case .int(let value): hasher.combine(value)
        case .uint(let value): hasher.combine(value)
        case .double(let value): hasher.combine(value.bitPattern)
        case .string(let value): hasher.combine(value)
        case .bytes(let value): hasher.combine(value)
        case .list(let value): hasher.combine(value)
        case .map(let value): hasher.combine(value)
        case .timestamp(let value): hasher.combine(value)
        case .duration(let value): hasher.combine(value)
        case .type(let value): hasher.combine(value)
        case .optional(let value): hasher.combine(value)
        }
    }
}

extension Value {
    /// The kind in the words of the flow language, for messages, such as `int` or `timestamp`.
    package var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .list: "list"
        case .map: "map"
        case .timestamp: "timestamp"
        case .duration: "duration"
        case .type: "type"
        case .optional: "optional"
        }
    }

    /// The type as CEL's `type()` gives it.
    package var typeValue: TypeValue {
        switch self {
        case .null: TypeValue(name: "null_type")
        case .timestamp: TypeValue(name: "google.protobuf.Timestamp")
        case .duration: TypeValue(name: "google.protobuf.Duration")
        case .optional: TypeValue(name: "optional_type")
        default: TypeValue(name: kindName)
        }
    }

    /// The member of a map, or nil when this is no map or has no such key.
    package subscript(key: String) -> Value? {
        if case .map(let map) = self { map[key] } else { nil }
    }

    /// The text of a string, else nil.
    package var stringValue: String? { if case .string(let value) = self { value } else { nil } }
    /// The number of an int, else nil.
    package var intValue: Int64? { if case .int(let value) = self { value } else { nil } }
    /// The truth of a bool, else nil.
    package var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The number of a double, else nil.
    package var doubleValue: Double? { if case .double(let value) = self { value } else { nil } }
    /// The elements of a list, else nil.
    package var listValue: [Value]? { if case .list(let value) = self { value } else { nil } }
    /// The entries of a map, else nil.
    package var mapValue: ValueMap? { if case .map(let value) = self { value } else { nil } }
    /// The moment of a timestamp, else nil.
    package var timestampValue: Timestamp? { if case .timestamp(let value) = self { value } else { nil } }
    /// Whether this is null.
    package var isNull: Bool { if case .null = self { true } else { false } }
}

extension Value: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringInterpolation, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    package init(nilLiteral: ()) { self = .null }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(floatLiteral value: Double) { self = .double(value) }
    package init(stringLiteral value: String) { self = .string(value) }
    package init(arrayLiteral elements: Value...) { self = .list(elements) }
    package init(dictionaryLiteral elements: (MapKey, Value)...) { self = .map(ValueMap(elements)) }
}

extension String {
    /// Whether both hold the same code points; Swift's own `==` also accepts canonically equivalent text.
    @inline(__always)
    package func hasSameScalars(as other: String) -> Bool {
        words == other.words || (utf8.count == other.utf8.count && hasSameBytes(as: other))
    }

    /// The two words of a string: text up to 15 bytes itself, or where longer text is.
    ///
    /// Equal words are equal text.
    @inline(__always)
    var words: (UInt64, UInt64) { unsafeBitCast(self, to: (UInt64, UInt64).self) }

    /// Of texts of the same length.
    private func hasSameBytes(as other: String) -> Bool {
        let count = utf8.count
        let same = utf8.withContiguousStorageIfAvailable { left in
            other.utf8.withContiguousStorageIfAvailable { right in
                sameBytes(left, right, count: count)
            }
        }
        if let outer = same, let answer = outer { return answer }
        return utf8.elementsEqual(other.utf8)
    }
}

/// Compares eight bytes at a time.
private func sameBytes(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>, count: Int) -> Bool {
    guard count > 0, let left = left.baseAddress, let right = right.baseAddress else { return count == 0 }
    if left == right { return true }
    var offset = 0
    while offset + 8 <= count {
        let one = UnsafeRawPointer(left).loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        let two = UnsafeRawPointer(right).loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        if one != two { return false }
        offset += 8
    }
    while offset < count {
        if left[offset] != right[offset] { return false }
        offset += 1
    }
    return true
}
