import Expressions
import FlowEngine

extension Problem {
    /// What an infrastructure failure looks like from outside; nil for one that nobody foresaw.
    ///
    /// Whether the caller is known decides between 401 and 403.
    init?(_ error: any Error, caller: Caller) {
        switch error {
        case let problem as Problem: self = problem
        case let error as EngineError: self.init(engine: error, caller: caller)
        case let error as StoreError: self.init(store: error.code)
        case is CancellationError: self = .stopping
        default: return nil
        }
    }

    private init(engine error: EngineError, caller: Caller) {
        switch error.code {
        case .unknownFlow, .unknownEvent: self = .notFound
        case .forbidden: self = .forbidden(to: caller)
        case .invalidInput(let findings):
            let list = findings.map { finding in
                Value.map(["path": .string(finding.path), "message": .string(finding.message)])
            }
            self.init(
                422,
                "invalid_input",
                "The input is not what the flow declares.",
                members: ["errors": .list(list)]
            )
        case .keyReused:
            self.init(422, "idempotency_key_reused", "This Idempotency-Key came with another input before.")
        case .overloaded: self = .overloaded
        case .notReady: self = .notReady
        case .unknownRun: self = .notFound
        case .wrongState: self.init(409, "wrong_state", "The run is in a state in which this cannot be done.")
        case .store(let code): self.init(store: code)
        }
    }

    private init(store code: StoreError.Code) {
        if code == .corrupt {
            self.init(500, "internal", "The stored data is damaged.")
        } else {
            self.init(503, "unavailable", "The server cannot do this at the moment.", retryAfter: 1)
        }
    }

    /// A flow's failure as its caller sees it: the author's status and code, or 500 without details that leak.
    init(failure answer: RunAnswer, run: RunID) {
        self.init(
            answer.status,
            answer.body["code"]?.stringValue ?? "flow_failed",
            answer.body["message"]?.stringValue ?? "The flow failed.",
            members: ["run": .int(run.rawValue)]
        )
    }
}
