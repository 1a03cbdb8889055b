import Dispatch
package import FlowEngine

extension Engine {
    /// Holds the writer's thread inside a group while `body` puts jobs behind it, so that they share the next one.
    ///
    /// Returns when the held group has its outcome.
    package func holdingWriter<R>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> R
    ) async throws -> R {
        let entered = Gate()
        let release = DispatchSemaphore(value: 0)
        let blocker = Task {
            try await write { (_) throws(StoreError) in
                entered.open()
                release.wait()
            }
        }
        await entered.pass()
        let result: Result<R, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        release.signal()
        try await blocker.value
        return try result.get()
    }

    /// Returns when so many jobs wait for the writer.
    package func waitForJobs(_ count: Int) async {
        while waitingJobs < count { await Task.yield() }
    }
}
