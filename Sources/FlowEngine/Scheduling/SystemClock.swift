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
        // In slices: the wall clock may be set while this waits.
        while true {
            let left = deadline - now()
            guard left > .zero else { return }
            try await Task.sleep(for: min(left, .seconds(60)))
        }
    }
}
