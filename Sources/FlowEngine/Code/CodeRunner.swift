package import Expressions
package import FlowLanguage
import Synchronization

/// Runs a code block outside the engine's process; knows no run and writes nothing.
///
/// The engine alone keeps what was answered: `advance` is told all answers so far. A runner that still has the code at
/// that point goes on with it; another one, after a crash, runs it from its start and gives it the recorded answers.
package protocol CodeRunner: Sendable {
    /// Runs the code until it asks something that has no answer yet, returns, or fails.
    func advance(_ job: CodeJob, answers: [CodeAnswer]) async -> CodeProgress
    /// The code is not gone on with, at least not soon: nothing of it need be kept.
    func forget(_ job: CodeJob)
}

/// One passage of a run through a code block, with everything evaluated.
package struct CodeJob: Sendable {
    package var address: EntryAddress
    /// Tells the jobs of several engines with one runner apart: their runs may have the same numbers.
    package var owner = CodeOwner.nobody
    package var block: CodeBlock
    package var args: Value
    package var input: Value
    package var trigger: Value
    package var variables: Value
    package var run: Value
    package var mode: Mode
    /// The block's recorded moment: what `Date` tells.
    package var now: Timestamp
    /// 32 bytes, the same at every repetition.
    package var seed: [UInt8]

    package init(
        address: EntryAddress,
        block: CodeBlock,
        args: Value,
        input: Value = .null,
        trigger: Value = .null,
        variables: Value = [:],
        run: Value = .null,
        mode: Mode,
        now: Timestamp,
        seed: [UInt8]
    ) {
        self.address = address
        self.block = block
        self.args = args
        self.input = input
        self.trigger = trigger
        self.variables = variables
        self.run = run
        self.mode = mode
        self.now = now
        self.seed = seed
    }
}

/// An engine, or a replay, that has code run; another one at each making.
package struct CodeOwner: Sendable, Hashable {
    private static let numbers = Atomic<Int>(0)
    private let number: Int

    package static let nobody = CodeOwner(number: 0)

    private init(number: Int) { self.number = number }

    package init() { number = Self.numbers.add(1, ordering: .relaxed).newValue }
}

package struct CodeProgress: Sendable {
    package enum Step: Sendable {
        case asks(CodeQuestion)
        case returned(Value)
        case failed(BlockFailure)
    }

    package var step: Step
    /// Written since the last answer; what was written before it was released with that.
    package var lines: [CodeLine]

    /// Of an engine that has nothing to run code with.
    static let unavailable = CodeProgress(
        .failed(BlockFailure(code: "code-unavailable", type: "code", message: "no code worker is installed here"))
    )

    package init(_ step: Step, lines: [CodeLine] = []) {
        self.step = step
        self.lines = lines
    }
}

/// A line that the code wrote to the run's log.
package struct CodeLine: Sendable, Hashable {
    package var level: LogBlock.Level
    package var text: String

    package init(level: LogBlock.Level, text: String) {
        self.level = level
        self.text = text
    }
}

/// A host call, as the code made it and as the engine does it.
package struct CodeQuestion: Sendable {
    package enum Work: Sendable {
        /// To a service, by its transport.
        case send(OutsideRequest)
        /// `records.find` and its like: the engine knows the tables.
        case records(operation: String, arguments: [Value])
        case runFlow(flow: String, input: ValueMap, mode: RunFlowBlock.Mode)
    }

    /// Such as `records.find`.
    package var call: String
    package var arguments: Value
    package var work: Work

    package init(call: String, arguments: Value, work: Work) {
        self.call = call
        self.arguments = arguments
        self.work = work
    }
}

/// A host call that is over, as the journal has it.
package struct CodeAnswer: Sendable {
    package enum Outcome: Sendable, Hashable {
        case value(Value)
        case response(OutsideAnswer)
        case failure(BlockFailure)
    }

    package var call: String
    package var arguments: Value
    package var outcome: Outcome
    /// When the call was over, as its entry says.
    package var answeredAt: Timestamp?

    package init(call: String, arguments: Value, outcome: Outcome) {
        self.call = call
        self.arguments = arguments
        self.outcome = outcome
    }
}
