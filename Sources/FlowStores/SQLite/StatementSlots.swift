import Synchronization

/// Hands out the places of fixed statements in the connections' caches.
enum StatementSlots {
    private static let used = Atomic<Int>(0)

    static func next() -> Int { used.wrappingAdd(1, ordering: .relaxed).oldValue }
}
