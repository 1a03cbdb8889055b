import Expressions
import FlowLanguage

// Where a replay has no worker, what code asked and gave is taken from the journal.

extension PendingCode {
    /// Where the code's next host call stands, or its outcome.
    func address(in run: RunID) -> EntryAddress {
        EntryAddress(run: run, path: call.path, visit: call.visit, attempt: call.attempt, call: answers.count)
    }
}

extension CodeProgress {
    /// Whether the code ended for a reason that lies in the machine: run again, it may come to something else.
    var isOfTheMachine: Bool {
        guard case .failed(let failure) = step else { return false }
        let reasons = ["code-timed-out", "code-out-of-memory", "code-crashed", "code-unavailable", "code-overloaded"]
        return reasons.contains(failure.code)
    }

    /// The step of the code that an entry tells of; nil when the entry was not finished.
    init?(_ entry: JournalEntry) {
        guard let call = entry.input["call"]?.stringValue else {
            switch entry.status {
            case .succeeded: self.init(.returned(entry.output))
            case .failed:
                guard let failure = entry.failure else { return nil }
                self.init(.failed(failure))
            case .started, .outcomeUnknown: return nil
            }
            return
        }
        let arguments = entry.input["arguments"] ?? .null
        let values = Array(arguments.listValue ?? [])
        let work: CodeQuestion.Work
        if let request = OutsideRequest(entry.input) {
            work = .send(request)
        } else if call == "runFlow" {
            work = .runFlow(
                flow: values.first?.stringValue ?? "",
                input: values.dropFirst().first?.mapValue ?? ValueMap(),
                mode: values.last?.stringValue.flatMap(RunFlowBlock.Mode.init(rawValue:)) ?? .wait
            )
        } else {
            work = .records(operation: String(call.dropFirst("records.".utf8.count)), arguments: values)
        }
        self.init(.asks(CodeQuestion(call: call, arguments: arguments, work: work)))
    }
}
