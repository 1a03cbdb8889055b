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
// Unchecked: the storage is changed only while this map alone refers to it.
package struct ValueMap: @unchecked Sendable {
    package typealias Element = (key: MapKey, value: Value)

    /// Up to this many entries a search in line beats hashing: a row of most tables, an object of Stripe's but for the
    /// largest.
    private static let linearLimit = 24

    /// Nil until something is added.
    private var storage: MapStorage?

    package init() { storage = nil }

    /// Makes room for the given number of entries.
    package init(minimumCapacity: Int) {
        storage = minimumCapacity > 0 ? MapStorage.make(capacity: minimumCapacity) : nil
    }

    package var count: Int { storage?.count ?? 0 }
    package var isEmpty: Bool { count == 0 }

    /// The keys, in the order of insertion.
    package var keys: [MapKey] { map(\.key) }
    /// The values, in the order of insertion.
    package var values: [Value] { map(\.value) }

    /// The value of a key.
    ///
    /// Setting nil removes the entry.
    package subscript(_ key: MapKey) -> Value? {
        get {
            guard let storage else { return nil }
            if case .string(let text) = key { return storage.place(of: text)?.pointee }
            return storage.position(of: key).map { storage.entries[$0].value }
        }
        set {
            let position = storage?.position(of: key)
            if let newValue {
                if let position {
                    uniqueStorage(adding: 0).entries[position].value = newValue
                } else {
                    uniqueStorage(adding: 1).append(newValue, for: key, linearLimit: Self.linearLimit)
                }
            } else if let position {
                uniqueStorage(adding: 0).remove(at: position)
            }
        }
    }

    /// The value of a string key.
    ///
    /// Setting nil removes the entry.
    package subscript(_ key: String) -> Value? {
        get { storage?.place(of: key)?.pointee }
        set { self[MapKey.string(key)] = newValue }
    }

    /// Adds an entry of a key that is not there yet; nobody looks for it, and a second one would spoil the map.
    package mutating func append(_ value: Value, for key: MapKey) {
        assert(storage?.position(of: key) == nil, "a key is there twice")
        uniqueStorage(adding: 1).append(value, for: key, linearLimit: Self.linearLimit)
    }

    /// Adds an entry; false, and nothing is changed, when there is one of that key.
    mutating func add(_ value: Value, for key: String) -> Bool {
        guard storage?.place(of: key) == nil else { return false }
        uniqueStorage(adding: 1).append(value, for: .string(key), linearLimit: Self.linearLimit)
        return true
    }

    /// Where the value of a string key is, without sharing the map.
    ///
    /// Valid as long as somebody holds the map unchanged.
    @inline(__always)
    func place(of key: String) -> UnsafePointer<Value>? {
        guard let storage else { return nil }
        return Unmanaged.passUnretained(storage)._withUnsafeGuaranteedRef { $0.place(of: key) }
    }

    /// The storage for a change, referred to by this map alone and with room for so many more entries.
    private mutating func uniqueStorage(adding more: Int) -> MapStorage {
        // First of all: a name for the storage would be a second reference to it.
        let isUnique = isKnownUniquelyReferenced(&storage)
        guard let current = storage else {
            let made = MapStorage.make(capacity: Swift.max(more, 4))
            storage = made
            return made
        }
        let needed = current.count + more
        let hasRoom = needed <= current.room
        if hasRoom, isUnique { return current }
        let capacity = hasRoom ? current.room : needed * 2
        let fresh = isUnique ? current.moved(capacity: capacity) : current.copied(capacity: capacity)
        storage = fresh
        return fresh
    }
}

extension ValueMap {
    /// All keys are texts, and none begins with `$`: such a map is an object in the journal's JSON.
    var hasPlainKeys: Bool {
        guard let storage else { return true }
        for position in 0..<storage.count {
            guard case .string(let text) = storage.entries[position].key, text.utf8.first != UInt8(ascii: "$") else {
                return false
            }
        }
        return true
    }
}

extension ValueMap: Sequence {
    /// Gives the entries in the order of insertion.
    package struct Iterator: IteratorProtocol {
        private let map: ValueMap
        private var position = 0

        fileprivate init(_ map: ValueMap) { self.map = map }

        package mutating func next() -> Element? {
            if position >= map.count { return nil }
            defer { position += 1 }
            return map.entry(at: position)
        }
    }

    package func makeIterator() -> Iterator { Iterator(self) }
    package var underestimatedCount: Int { count }

    /// The entry at a position, in the order of insertion.
    package func entry(at position: Int) -> Element {
        guard let storage, position >= 0, position < storage.count else {
            preconditionFailure("a map has no entry at \(position)")
        }
        let entry = storage.entries + position
        return (entry.pointee.key, entry.pointee.value)
    }
}

extension ValueMap: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (MapKey, Value)...) { self.init(elements) }

    /// Of a key that is there twice, the last value stands at the first one's place.
    init(_ elements: [(MapKey, Value)]) {
        self.init(minimumCapacity: elements.count)
        guard let storage else { return }
        for (key, value) in elements {
            if let position = storage.position(of: key) {
                storage.entries[position].value = value
            } else {
                storage.append(value, for: key, linearLimit: Self.linearLimit)
            }
        }
    }
}

extension ValueMap: Hashable {
    package static func == (left: ValueMap, right: ValueMap) -> Bool {
        guard left.count == right.count else { return false }
        return left.allSatisfy { entry in right[entry.key] == entry.value }
    }

    package func hash(into hasher: inout Hasher) {
        var sum = 0
        for entry in self {
            var inner = Hasher()
            inner.combine(entry.key)
            inner.combine(entry.value)
            sum ^= inner.finalize()
        }
        hasher.combine(count)
        hasher.combine(sum)
    }
}
