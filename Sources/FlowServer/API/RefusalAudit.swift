import FlowEngine
import FlowLanguage

/// Keeps a row of who was refused what; a refusal stands whether or not it can be written down.
struct RefusalAudit: Sendable {
    /// With so many jobs waiting, those who do business go first: a flood of refusals must not slow them.
    private static let backlogMax = 1_000

    private let engine: Engine

    init(engine: Engine) { self.engine = engine }

    /// Does `body`, and notes when it refuses with 401, 403 or 404.
    ///
    /// The subject is kept only if it is one of the app's: what a stranger sent is not.
    func callAsFunction<Result>(
        _ action: String,
        on subject: String,
        by caller: Caller,
        _ body: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await body()
        } catch let problem as Problem where [401, 403, 404].contains(problem.status) {
            let subject = engine.app.table(named: subject) == nil ? "" : subject
            await note(action, on: subject, by: caller, problem.code)
            // It is noted; what stands before every route would note it again.
            var noted = problem
            noted.keptOut = nil
            throw noted
        }
    }

    func note(_ action: String, on subject: String, by caller: Caller, _ reason: String) async {
        await withCheckedContinuation { continuation in
            note(action, on: subject, by: caller, reason) { continuation.resume() }
        }
    }

    /// The same for who has no task to wait with: `done` is called once, at once or on the writer's thread.
    func note(
        _ action: String,
        on subject: String,
        by caller: Caller,
        _ reason: String,
        done: @escaping @Sendable () -> Void
    ) {
        // A store that takes no writes is probed until it does, and each failed write would put that off.
        guard engine.isReady, engine.waitingJobs < Self.backlogMax else { return done() }
        let record = AuditRecord(
            at: engine.clock.now(),
            action: action,
            subject: subject,
            caller: caller,
            reason: reason
        )
        engine.write { (transaction) throws(StoreError) in
            try transaction.insertAudit(record)
        } done: { _ in
            done()
        }
    }
}
