import Expressions
import FlowEngine
import FlowLanguage

/// Stands for the worker of `checkout-code`, which no world of one thread can have: code that inserts notes one after
/// the other, and takes its time.
///
/// A process that was started anew runs it from its start, with the answers of the journal.
struct SimulatedCode: CodeRunner {
    static let calls = 3

    private let process: SimulatedProcess

    init(_ process: SimulatedProcess) { self.process = process }

    static func note(_ call: Int, of run: some CustomStringConvertible) -> String { "\(run) call \(call)" }

    func advance(_ job: CodeJob, answers: [CodeAnswer]) async -> CodeProgress {
        await process.pause(upTo: 200)
        let run = job.args["run"]?.intValue.map(String.init) ?? job.args["run"]?.stringValue ?? "?"
        if job.args["errand"] == true { return errand(run, answers) }
        guard answers.count < Self.calls else { return CodeProgress(.returned(.int(Int64(answers.count)))) }
        return CodeProgress(.asks(insertion(answers.count + 1, of: run)))
    }

    private func insertion(_ call: Int, of run: String) -> CodeQuestion {
        let arguments: [Value] = [.string("notes"), ["text": .string(Self.note(call, of: run))]]
        return CodeQuestion(
            call: "records.insert",
            arguments: .list(arguments),
            work: .records(operation: "insert", arguments: arguments)
        )
    }

    /// Asks Stripe, writes a row, runs one sub-flow to its end and begins another.
    private func errand(_ run: String, _ answers: [CodeAnswer]) -> CodeProgress {
        if case .failure(let failure)? = answers.last?.outcome { return CodeProgress(.failed(failure)) }
        switch answers.count {
        case 0:
            let request = OutsideRequest(
                connection: "stripe",
                method: "POST",
                path: "/v1/customers",
                body: Array("description=\(Self.customer(of: run))".utf8),
                effect: .keyed
            )
            let arguments: Value = [.string("customers.create"), .string(run)]
            return CodeProgress(.asks(CodeQuestion(call: "stripe", arguments: arguments, work: .send(request))))
        case 1: return CodeProgress(.asks(insertion(2, of: run)))
        case 2, 3:
            let mode: RunFlowBlock.Mode = answers.count == 2 ? .wait : .start
            let input: ValueMap = ["from": .string("\(run) code \(mode.rawValue)")]
            let work = CodeQuestion.Work.runFlow(flow: "errand-leaf", input: input, mode: mode)
            let arguments: Value = [.string("errand-leaf"), .map(input), .string(mode.rawValue)]
            return CodeProgress(.asks(CodeQuestion(call: "runFlow", arguments: arguments, work: work)))
        default: return CodeProgress(.returned(.int(Int64(answers.count))))
        }
    }

    static func customer(of run: some CustomStringConvertible) -> String { "errand-\(run)" }

    func forget(_ job: CodeJob) {}
}
