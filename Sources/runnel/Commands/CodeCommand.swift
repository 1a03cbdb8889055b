import ArgumentParser
import CustomCode
import Expressions
import FlowEngine
import FlowLanguage
import Foundation

struct CodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "code",
        abstract: "Custom Code, outside a flow.",
        subcommands: [RunCode.self]
    )
}

struct RunCode: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs one file of code behind its walls, and prints what it returns.",
        discussion:
            "`stripe` is answered by a simulator that lives as long as the command. The other host calls (records, fetch, "
            + "runFlow) need a run: they end the code. Exit code 1: it failed."
    )

    @Argument(help: "The file: the body of an async function.") var file: String
    @Option(help: "What the code sees as `args`: JSON.") var args = "{}"
    @Option(help: "A file of functions to evaluate first; may be given several times.") var use: [String] = []
    @Option(help: "Milliseconds of processor time.") var time = 1_000
    @Option(help: "MB of memory.") var memory = 128
    @Flag(help: "Integers beyond 2^53 are BigInt.") var bigint = false

    func validate() throws {
        guard CodeLimits.millisecondsAllowed.contains(time) else {
            throw ValidationError("--time is \(CodeLimits.millisecondsAllowed)")
        }
        guard CodeLimits.megabytesAllowed.contains(memory) else {
            throw ValidationError("--memory is \(CodeLimits.megabytesAllowed)")
        }
    }

    func run() async throws {
        try await reporting {
            let now = SystemClock().now()
            let stripe = try SimulatedStripe(now: now)
            let connections = [SimulatedStripe.connection]
            guard let pool = CodeRuntime.pool(connections: connections, credentials: stripe.explicit) else {
                throw CommandFailure(CodeRuntime.missing)
            }
            let job = try job(at: now)
            var answers: [CodeAnswer] = []
            var progress = await pool.advance(job, answers: answers)
            while case .asks(let question) = progress.step, case .send(let request) = question.work,
                question.call == "stripe"
            {
                show(progress.lines)
                let outcome = await stripe.answer(request, number: answers.count)
                answers.append(CodeAnswer(call: question.call, arguments: question.arguments, outcome: outcome))
                progress = await pool.advance(job, answers: answers)
            }
            show(progress.lines)
            switch progress.step {
            case .returned(let value): try Console.json(value)
            case .asks(let question):
                Console.note("the code asked for '\(question.call)', which only a run can answer")
                throw Exit.failed
            case .failed(let failure):
                Console.note("\(failure.code): \(withGivenPaths(failure.message))")
                throw Exit.failed
            }
        }
    }

    private func job(at now: Timestamp) throws -> CodeJob {
        let block = CodeBlock(
            body: try text(file),
            libraries: try use.map { try text($0) },
            limits: CodeLimits(milliseconds: time, megabytes: memory),
            usesBigInt: bigint,
            stripe: SimulatedStripe.connection.name
        )
        return CodeJob(
            address: EntryAddress(run: RunID(0), path: BlockPath("code"), visit: 1, attempt: 1),
            block: block,
            args: try JSON.parse(args),
            input: [:],
            trigger: [:],
            run: ["id": 0, "flow": "code-run"],
            mode: .test,
            now: now,
            seed: SystemRandomSource().bytes(32)
        )
    }

    /// A failure's place begins where an app does, at 'code'; these files are named as the caller named them.
    private func withGivenPaths(_ message: String) -> String {
        ([file] + use).reduce(message) { $0.replacing(SourceRange.pathInApp($1) + ":", with: $1 + ":") }
    }

    private func show(_ lines: [CodeLine]) {
        for line in lines { Console.note("\(line.level.rawValue): \(line.text)") }
    }

    private func text(_ path: String) throws -> CodeText {
        guard let bytes = FileManager.default.contents(atPath: path), bytes.count <= 1 << 20 else {
            throw CommandFailure("'\(path)' cannot be read as a file of at most 1 MiB")
        }
        return CodeText(file: path, text: String(decoding: bytes, as: UTF8.self))
    }
}
