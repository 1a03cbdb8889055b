/// What may stand as a key of a map.
///
/// A double that is a whole number finds the key of that number.
package enum MapKey: Sendable {
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case string(String)
}

extension MapKey: Hashable {
    package static func == (left: MapKey, right: MapKey) -> Bool {
        switch (left, right) {
        case (.bool(let left), .bool(let right)): left == right
        case (.int(let left), .int(let right)): left == right
        case (.uint(let left), .uint(let right)): left == right
        case (.string(let left), .string(let right)): left.hasSameScalars(as: right)
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .bool(let value): hasher.combine(value)
        case .int(let value): hasher.combine(value)
        case .uint(let value): hasher.combine(value)
        case .string(let value): hasher.combine(value)
        }
    }
}

extension MapKey: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension MapKey {
    /// The key as a value.
    package var value: Value {
        switch self {
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .uint(let value): .uint(value)
        case .string(let value): .string(value)
        }
    }

    /// The text of a string key, else nil.
    package var stringValue: String? { if case .string(let value) = self { value } else { nil } }

    /// The key that a value stands for as a literal's key; nil for kinds that cannot be keys.
    init?(_ value: Value) {
        switch value {
        case .bool(let value): self = .bool(value)
        case .int(let value): self = .int(value)
        case .uint(let value): self = .uint(value)
        case .string(let value): self = .string(value)
        default: return nil
        }
    }
}

/// An insertion-ordered map.
///
/// Small maps are searched in line, large ones through a hash; copied on write.
///
/// Two maps are equal when they hold the same keys with the same values, in whatever order.
package struct ValueMap: Sendable {
    package typealias Element = (key: MapKey, value: Value)

    /// Up to this many entries a search in line beats hashing.
    private static let linearLimit = 8

    private var entries: [Element]
    /// Position of each key; nil while the map is small.
    private var index: [MapKey: Int]?

    package init() {
        entries = []
        index = nil
    }

    /// Makes room for the given number of entries.
    package init(minimumCapacity: Int) {
        self.init()
        entries.reserveCapacity(minimumCapacity)
    }

    package var count: Int { entries.count }
    package var isEmpty: Bool { entries.isEmpty }

    /// The keys, in the order of insertion.
    package var keys: [MapKey] { entries.map(\.key) }
    /// The values, in the order of insertion.
    package var values: [Value] { entries.map(\.value) }

    /// The value of a key.
    ///
    /// Setting nil removes the entry.
    package subscript(_ key: MapKey) -> Value? {
        get {
            if index == nil, case .string(let text) = key { return self[text] }
            guard let position = position(of: key) else { return nil }
            return entries[position].value
        }
        set {
            let position = position(of: key)
            if let newValue {
                if let position {
                    entries[position].value = newValue
                } else {
                    append(newValue, for: key)
                }
            } else if let position {
                entries.remove(at: position)
                if index != nil { rebuildIndex() }
            }
        }
    }

    /// The value of a string key.
    ///
    /// Setting nil removes the entry.
    package subscript(_ key: String) -> Value? {
        get {
            if let index {
                guard let position = index[.string(key)] else { return nil }
                return entries[position].value
            }
            let count = entries.count
            var position = 0
            while position < count {
                if case .string(let candidate) = entries[position].key, candidate.hasSameScalars(as: key) {
                    return entries[position].value
                }
                position += 1
            }
            return nil
        }
        set { self[MapKey.string(key)] = newValue }
    }

    private func position(of key: MapKey) -> Int? {
        if let index { return index[key] }
        return entries.firstIndex { $0.key == key }
    }

    private mutating func append(_ value: Value, for key: MapKey) {
        entries.append((key, value))
        if index != nil {
            index?[key] = entries.count - 1
        } else if entries.count > Self.linearLimit {
            rebuildIndex()
        }
    }

    private mutating func rebuildIndex() {
        var fresh: [MapKey: Int] = [:]
        fresh.reserveCapacity(entries.count * 2)
        for (position, entry) in entries.enumerated() { fresh[entry.key] = position }
        index = fresh
    }
}

extension ValueMap: Sequence {
    package func makeIterator() -> IndexingIterator<[Element]> { entries.makeIterator() }
    package var underestimatedCount: Int { entries.count }

    /// The entry at a position, in the order of insertion.
    package func entry(at position: Int) -> Element { entries[position] }
}

extension ValueMap: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (MapKey, Value)...) {
        self.init(minimumCapacity: elements.count)
        for (key, value) in elements { self[key] = value }
    }
}

extension ValueMap: Hashable {
    package static func == (left: ValueMap, right: ValueMap) -> Bool {
        guard left.count == right.count else { return false }
        return left.entries.allSatisfy { entry in right[entry.key] == entry.value }
    }

    package func hash(into hasher: inout Hasher) {
        var sum = 0
        for entry in entries {
            var inner = Hasher()
            inner.combine(entry.key)
            inner.combine(entry.value)
            sum ^= inner.finalize()
        }
        hasher.combine(entries.count)
        hasher.combine(sum)
    }
}
