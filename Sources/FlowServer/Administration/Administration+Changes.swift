import Expressions
package import FlowEngine

// What an operator does to runs.
extension Administration {
    package func change(_ run: RunID, _ change: RunChange) async throws(AdministrationError) -> RunSummary {
        guard let engine else { throw AdministrationError(.unavailable, "no engine is at hand") }
        do throws(EngineError) {
            switch change {
            case .cancel: return RunSummary(try await engine.cancel(run))
            case .pause: return RunSummary(try await engine.pause(run))
            case .resume: try await engine.resume(run)
            case .sendAgain: try await engine.decide(run, .sendAgain)
            case .markDone(let output): try await engine.decide(run, .succeeded(output: output))
            case .markFailed(let message):
                let failure = BlockFailure(code: "marked_failed", type: "operator", message: message)
                try await engine.decide(run, .failed(failure))
            }
        } catch {
            throw AdministrationError(error)
        }
        return try await report(of: run).summary
    }
}

extension RunChange {
    /// The form of `POST /admin/runs/<id>/change`.
    var value: Value {
        switch self {
        case .cancel: ["change": "cancel"]
        case .pause: ["change": "pause"]
        case .resume: ["change": "resume"]
        case .sendAgain: ["change": "send-again"]
        case .markDone(let output): ["change": "mark-done", "output": .map(output)]
        case .markFailed(let message): ["change": "mark-failed", "message": .string(message)]
        }
    }

    /// - Throws: `.invalid` for what is no change.
    init(_ value: Value) throws(AdministrationError) {
        let members = try Members(value)
        switch try members.string("change") {
        case "cancel": self = .cancel
        case "pause": self = .pause
        case "resume": self = .resume
        case "send-again": self = .sendAgain
        case "mark-done": self = .markDone(output: try Members(members.optional("output") ?? [:]).map)
        case "mark-failed": self = .markFailed(message: try members.string("message"))
        default: throw AdministrationError(.invalid, "there is no such change of a run")
        }
    }
}
