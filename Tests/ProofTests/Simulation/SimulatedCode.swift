import Expressions
import FlowEngine

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
        guard answers.count < Self.calls else { return CodeProgress(.returned(.int(Int64(answers.count)))) }
        let run = job.args["run"]?.intValue.map(String.init) ?? job.args["run"]?.stringValue ?? "?"
        let arguments: [Value] = [.string("notes"), ["text": .string(Self.note(answers.count + 1, of: run))]]
        let question = CodeQuestion(
            call: "records.insert",
            arguments: .list(arguments),
            work: .records(operation: "insert", arguments: arguments)
        )
        return CodeProgress(.asks(question))
    }

    func forget(_ job: CodeJob) {}
}
