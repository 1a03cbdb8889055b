package import Expressions
import Foundation

/// The machine's clock: the one place of the engine that reads the time.
package struct SystemClock: Clock {
    package init() {}

    package func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        // Microseconds are what a store keeps; finer digits would differ after a restart.
        let microseconds = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
        guard let now = Timestamp(microseconds: microseconds) else {
            preconditionFailure("the machine's clock stands outside the years 1 to 9999")
        }
        return now
    }

    package func sleep(until deadline: Timestamp) async throws {
        try await Self.sleep(until: deadline, now: now) { try await Task.sleep(for: $0) }
    }

    /// Sleeps in slices, since the wall clock may be set meanwhile, and a machine that was suspended finds it ahead.
    ///
    /// Ends when the clock reads `deadline`, and no later than what there was to wait at first has passed: a clock that
    /// is set back keeps no caller waiting for its time limit.
    static func sleep(
        until deadline: Timestamp,
        now: () -> Timestamp,
        pause: (Duration) async throws -> Void
    ) async throws {
        let whole = deadline - now()
        var passed = Duration.zero
        while passed < whole {
            let left = min(deadline - now(), whole - passed)
            guard left > .zero else { return }
            let slice = min(left, Self.slice)
            try await pause(slice)
            passed += slice
        }
    }

    private static let slice = Duration.seconds(1)
}
