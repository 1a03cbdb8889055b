import Expressions
import FlowEngine

/// What the caller of a step got.
struct StepResult: Sendable, Hashable {
    /// An HTTP status.
    var status: Int
    var output: Value = .null
    var error: Value = .null
    /// The run that the step started itself, if it did.
    var run: RunID?
    var path: [String] = []

    init(status: Int, output: Value = .null, error: Value = .null, run: RunID? = nil) {
        self.status = status
        self.output = output
        self.error = error
        self.run = run
    }

    /// What `steps.<id>` and an expectation see.
    var value: Value {
        [
            "status": .int(Int64(status)), "output": output, "error": error, "path": .list(path.map(Value.string)),
            "run": run.map { .int($0.rawValue) } ?? .null,
        ]
    }

    /// In a line: `409 order_closed: This order is already paid or refunded`.
    var summary: String {
        guard let code = error["code"]?.stringValue else { return "\(status)" }
        return "\(status) \(code)" + (error["message"]?.stringValue.map { ": \($0)" } ?? "")
    }

    /// A call that was refused before anything happened.
    init(refusal error: EngineError) {
        let code: String
        switch error.code {
        case .unknownFlow, .unknownEvent: (status, code) = (404, "not_found")
        case .forbidden: (status, code) = (403, "forbidden")
        case .invalidInput: (status, code) = (422, "invalid_input")
        case .keyReused: (status, code) = (422, "idempotency_key_reused")
        default: (status, code) = (503, "unavailable")
        }
        var message = error.message
        if case .invalidInput(let findings) = error.code {
            message += ": " + findings.map { "'\($0.path)' \($0.message)" }.joined(separator: ", ")
        }
        self.error = ["code": .string(code), "message": .string(message)]
    }

    /// Fills in what became of the run.
    mutating func take(_ run: CaseRecord.RecordedRun) {
        path = run.path
        let record = run.record
        guard let answer = record.answer else {
            status = record.status == .succeeded ? 200 : 202
            error = record.failure?.value ?? .null
            return
        }
        status = answer.status
        if answer.status < 400 {
            output = answer.body
            error = .null
        } else {
            output = .null
            // What the caller is told; what only the author may know stands beside it.
            var told = record.failure?.value.mapValue ?? ValueMap()
            for (key, value) in answer.body.mapValue ?? ValueMap() { told[key] = value }
            error = .map(told)
        }
    }
}
