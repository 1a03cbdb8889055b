import Expressions
import FlowEngine
import Synchronization

/// Code that makes the same record calls whenever it is run, and keeps what it was asked; runs no JavaScript.
final class ScriptedCode: CodeRunner {
    private let calls: [CodeQuestion]
    private let asked = Mutex<[Int]>([])

    /// `orders` are the names that it inserts, one call after the other.
    init(orders: [String]) {
        calls = orders.map { name in
            let arguments: [Value] = [.string("orders"), ["name": .string(name), "total": 100]]
            return CodeQuestion(
                call: "records.insert",
                arguments: .list(arguments),
                work: .records(operation: "insert", arguments: arguments)
            )
        }
    }

    /// How many answers the code had each time it was let go on.
    var advances: [Int] { asked.withLock { $0 } }

    func advance(_ job: CodeJob, answers: [CodeAnswer]) async -> CodeProgress {
        asked.withLock { $0.append(answers.count) }
        guard answers.count < calls.count else { return CodeProgress(.returned(.int(Int64(answers.count)))) }
        return CodeProgress(.asks(calls[answers.count]))
    }

    func forget(_ job: CodeJob) {}
}
