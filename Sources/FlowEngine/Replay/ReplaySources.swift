import Expressions
import Synchronization

/// Tells the recorded time; whoever moves the replay on moves it.
final class ReplayClock: Clock {
    private let time: Mutex<Timestamp>

    init(_ time: Timestamp) { self.time = Mutex(time) }

    func now() -> Timestamp { time.withLock { $0 } }

    func set(_ time: Timestamp) { self.time.withLock { $0 = time } }

    /// Nothing waits in a replay: what was waited for is known.
    func sleep(until deadline: Timestamp) async throws {}
}

/// Chance decides pauses alone, and a replay makes none.
struct ReplayRandomSource: RandomSource {
    func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
}
