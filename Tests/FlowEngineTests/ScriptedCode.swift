import Expressions
import FlowEngine
import Synchronization
import TestSupport

/// Code that makes the same record calls whenever it is run, and keeps what it was asked; runs no JavaScript.
final class ScriptedCode: CodeRunner {
    private let calls: [CodeQuestion]
    private let asked = Mutex<[Int]>([])
    /// Opened when the code begins.
    let entered = Gate()
    /// What the code waits for before it makes its first call.
    let gate: Gate

    /// `orders` are the names that it inserts, one call after the other, from when the gate is open.
    init(orders: [String], from gate: Gate? = nil) {
        self.gate = gate ?? Gate()
        if gate == nil { self.gate.open() }
        calls = orders.map { name in
            let arguments: [Value] = [.string("orders"), ["name": .string(name), "total": 100]]
            return CodeQuestion(
                call: "records.insert",
                arguments: .list(arguments),
                work: .records(operation: "insert", arguments: arguments)
            )
        }
    }

    /// The code makes these calls, one after the other, and returns.
    init(calls: [CodeQuestion]) {
        self.gate = Gate()
        self.gate.open()
        self.calls = calls
    }

    /// How many answers the code had each time it was let go on.
    var advances: [Int] { asked.withLock { $0 } }

    func advance(_ job: CodeJob, answers: [CodeAnswer]) async -> CodeProgress {
        asked.withLock { $0.append(answers.count) }
        entered.open()
        await gate.pass()
        guard answers.count < calls.count else { return CodeProgress(.returned(.int(Int64(answers.count)))) }
        return CodeProgress(.asks(calls[answers.count]))
    }

    func forget(_ job: CodeJob) {}
}
