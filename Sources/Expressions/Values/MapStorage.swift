/// The entries of a map, in one piece of memory behind one reference, so that sharing a map counts one reference.
///
/// Changed only while its map holds the sole reference.
final class MapStorage: ManagedBuffer<MapStorage.Header, MapStorage.Entry> {
    struct Header {
        var count: Int
        let capacity: Int
        /// Position of each key; nil while the map is small.
        var index: [MapKey: Int]?
    }

    /// The value stands first, so that the place of an entry is the place of its value.
    struct Entry {
        var value: Value
        let key: MapKey
    }

    static func make(capacity: Int) -> MapStorage {
        let made = create(minimumCapacity: capacity) { _ in Header(count: 0, capacity: capacity, index: nil) }
        return unsafeDowncast(made, to: MapStorage.self)
    }

    deinit {
        entries.deinitialize(count: count)
    }

    /// The header, read without a check of exclusive access on every look-up.
    @inline(__always)
    private var head: UnsafeMutablePointer<Header> { withUnsafeMutablePointerToHeader { $0 } }

    @inline(__always)
    var count: Int { head.pointee.count }

    @inline(__always)
    var room: Int { head.pointee.capacity }

    /// The first entry; valid as long as the storage is held and not changed.
    @inline(__always)
    var entries: UnsafeMutablePointer<Entry> { withUnsafeMutablePointerToElements { $0 } }

    /// A copy with room for the given number of entries, which is no less than there are.
    func copied(capacity: Int) -> MapStorage {
        let copy = Self.make(capacity: capacity)
        copy.entries.initialize(from: entries, count: head.pointee.count)
        copy.head.pointee.count = head.pointee.count
        copy.head.pointee.index = head.pointee.index
        return copy
    }

    /// The entries in a storage with more room; this one is empty afterwards.
    func moved(capacity: Int) -> MapStorage {
        let larger = Self.make(capacity: capacity)
        larger.entries.moveInitialize(from: entries, count: head.pointee.count)
        larger.head.pointee.count = head.pointee.count
        swap(&larger.head.pointee.index, &head.pointee.index)
        head.pointee.count = 0
        return larger
    }

    /// Where the value of a string key is; valid as long as the storage is held and not changed.
    @inline(__always)
    func place(of key: String) -> UnsafePointer<Value>? {
        if head.pointee.index == nil {
            // Most keys are found by their two words, without a call and without counting a reference.
            let words = key.words
            var entry = entries
            let end = entry + count
            while entry < end {
                if case .string(let candidate) = entry.pointee.key, candidate.words == words {
                    return Self.place(of: entry)
                }
                entry += 1
            }
        }
        return placeByBytes(of: key)
    }

    @inline(never)
    private func placeByBytes(of key: String) -> UnsafePointer<Value>? {
        if head.pointee.index != nil { return position(of: .string(key)).map { Self.place(of: entries + $0) } }
        let length = key.utf8.count
        for position in 0..<head.pointee.count {
            let entry = entries + position
            if case .string(let candidate) = entry.pointee.key, candidate.utf8.count == length,
                candidate.hasSameScalars(as: key)
            {
                return Self.place(of: entry)
            }
        }
        return nil
    }

    @inline(__always)
    private static func place(of entry: UnsafeMutablePointer<Entry>) -> UnsafePointer<Value> {
        UnsafeRawPointer(entry).assumingMemoryBound(to: Value.self)
    }

    func position(of key: MapKey) -> Int? {
        if let index = head.pointee.index { return index[key] }
        if case .string(let text) = key {
            return place(of: text).map { place in
                (UnsafeRawPointer(place) - UnsafeRawPointer(entries)) / MemoryLayout<Entry>.stride
            }
        }
        for position in 0..<head.pointee.count where entries[position].key == key { return position }
        return nil
    }

    /// Adds an entry; there must be room for it.
    func append(_ value: Value, for key: MapKey, linearLimit: Int) {
        let position = head.pointee.count
        precondition(position < room)
        (entries + position).initialize(to: Entry(value: value, key: key))
        head.pointee.count = position + 1
        if head.pointee.index != nil {
            head.pointee.index?[key] = position
        } else if position + 1 > linearLimit {
            rebuildIndex()
        }
    }

    func remove(at position: Int) {
        let entry = entries + position
        entry.deinitialize(count: 1)
        entry.moveInitialize(from: entry + 1, count: head.pointee.count - position - 1)
        head.pointee.count -= 1
        if head.pointee.index != nil { rebuildIndex() }
    }

    private func rebuildIndex() {
        var fresh: [MapKey: Int] = [:]
        fresh.reserveCapacity(head.pointee.count * 2)
        for position in 0..<head.pointee.count { fresh[entries[position].key] = position }
        head.pointee.index = fresh
    }
}
