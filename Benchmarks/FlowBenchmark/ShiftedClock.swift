import Expressions
import FlowEngine

/// The system's clock, some time later: what was waited for is due without anybody waiting.
struct ShiftedClock: Clock {
    private let base = SystemClock()
    let shift: Duration

    func now() -> Timestamp { base.now() + shift ?? base.now() }

    func sleep(until deadline: Timestamp) async throws { try await base.sleep(until: deadline - shift ?? deadline) }
}
