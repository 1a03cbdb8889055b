package import Expressions

/// Tells the time and waits for it; tests advance their own.
package protocol Clock: Sendable {
    func now() -> Timestamp
    /// Returns at `deadline`, or throws `CancellationError`.
    func sleep(until deadline: Timestamp) async throws
}

/// Gives unpredictable bytes; tests give seeded ones.
package protocol RandomSource: Sendable {
    func bytes(_ count: Int) -> [UInt8]
}
