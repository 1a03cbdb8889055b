import Expressions
import FlowEngine
import ServiceLifecycle

/// Lets callers wait for the answers of runs, but not past the server's stop.
///
/// Whoever still waits then is told the run's id: the run itself goes on at the next start.
struct AnswerWait: Sendable {
    let clock: any FlowEngine.Clock
    /// How long a caller waits from the moment at which a stop was asked for.
    let grace: Duration

    /// Runs `operation`, and cancels it `grace` after a stop was asked for; what it then gives is given on.
    func callAsFunction<Result: Sendable>(
        _ operation: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let clock = clock
        let grace = grace
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                try await gracefulShutdown()
                if let deadline = clock.now() + grace { try await clock.sleep(until: deadline) }
                return nil
            }
            while let result = try await group.next() {
                group.cancelAll()
                if let result { return result }
            }
            throw CancellationError()
        }
    }
}
