package import FlowEngine
package import FlowLanguage

// Replays of flows with code, which a worker runs again: the code is told the recorded answers to what it asks.
extension CapsuleReplay {
    /// Steps of code in one replay at the most.
    private static let stepLimit = 10_000

    package func replay(
        _ capsule: Capsule,
        watch: PassWatch? = nil,
        running code: any CodeRunner
    ) async throws(ReplayRefusal) -> CapsuleVerdict {
        var steps = CodeSteps(code)
        defer { steps.end() }
        while true {
            let verdict = try replay(capsule, watch: watch, code: steps.known)
            guard let next = verdict.outcome.nextCode else { return verdict }
            try await steps.take(next)
        }
    }

    package func compare(
        _ capsule: Capsule,
        with app: App,
        watch: PassWatch = PassWatch(),
        running code: any CodeRunner
    ) async throws(ReplayRefusal) -> AppComparison {
        let verdict = try await replay(capsule, watch: PassWatch(), running: code)
        try checkComparable(capsule, verdict, app)
        var steps = CodeSteps(code)
        defer { steps.end() }
        while true {
            let outside = verdict.outcome.outside
            let new = try run(capsule, on: app, outside: outside, code: steps.known, watch: watch)
            guard let next = new.nextCode else { return try comparison(of: capsule, verdict.outcome, new, on: app) }
            try await steps.take(next)
        }
    }

    /// What code came to so far.
    ///
    /// A replay waits for nothing: with each further step it begins anew.
    private struct CodeSteps {
        private let runner: any CodeRunner
        private(set) var known: [EntryAddress: CodeProgress] = [:]
        private var jobs: [EntryAddress: CodeJob] = [:]
        /// Another replay's code may stand at the same places.
        private let owner = CodeOwner()

        init(_ runner: any CodeRunner) { self.runner = runner }

        mutating func take(_ step: CodeStep) async throws(ReplayRefusal) {
            guard known.count < CapsuleReplay.stepLimit, known[step.address] == nil else {
                throw ReplayRefusal("the code at \(step.address.path) does not come to an end")
            }
            var job = step.job
            job.owner = owner
            jobs[job.address] = job
            let progress = await runner.advance(job, answers: step.answers)
            let absence = ["code-unavailable", "code-overloaded"]
            if case .failed(let failure) = progress.step, absence.contains(failure.code) {
                throw ReplayRefusal("the code at \(step.address.path) cannot be run here: \(failure.message)")
            }
            known[step.address] = progress
        }

        func end() {
            for job in jobs.values { runner.forget(job) }
        }
    }
}
