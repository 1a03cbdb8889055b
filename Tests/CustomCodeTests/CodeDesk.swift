import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import Testing

@testable import CustomCode

/// Runs code as the engine would, without a run.
struct CodeDesk {
    let pool: CodePool

    init(cores: Int = 1, options: [String] = [], connections: [ConnectionDeclaration] = []) throws {
        var configuration = CodePool.Configuration(executable: try Self.executable, cores: cores)
        configuration.options = options
        pool = CodePool(configuration, connections: connections)
    }

    /// The worker that was built with the tests.
    static var executable: String {
        get throws { try #require(WorkerLocation.find(), "the worker stands beside the tests: build all products") }
    }

    static func job(
        _ code: String,
        args: Value = [:],
        run: Int64 = 1,
        libraries: [CodeText] = [],
        returns: [InputDeclaration] = [],
        limits: CodeLimits = CodeLimits(),
        bigint: Bool = false,
        trigger: Value = [:],
        seed: UInt8 = 7
    ) -> CodeJob {
        CodeJob(
            address: EntryAddress(run: RunID(run), path: BlockPath("code"), visit: 1, attempt: 1),
            block: CodeBlock(
                body: CodeText(file: "code/test.js", text: code),
                libraries: libraries,
                returns: returns,
                limits: limits,
                usesBigInt: bigint,
                stripe: "stripe"
            ),
            args: args,
            trigger: trigger,
            mode: .test,
            now: Timestamp(rfc3339: "2026-11-20T10:00:00Z") ?? .epoch,
            seed: Array(repeating: seed, count: 32)
        )
    }

    /// What the code returns; a failure is an issue.
    func value(_ job: CodeJob, answers: [CodeAnswer] = []) async throws -> Value {
        let progress = await pool.advance(job, answers: answers)
        guard case .returned(let value) = progress.step else { throw Unexpected(step: "\(progress.step)") }
        return value
    }

    func value(_ code: String, args: Value = [:]) async throws -> Value {
        try await value(Self.job(code, args: args))
    }

    /// How the code fails; anything else is an issue.
    func failure(_ job: CodeJob, answers: [CodeAnswer] = []) async throws -> BlockFailure {
        let progress = await pool.advance(job, answers: answers)
        guard case .failed(let failure) = progress.step else { throw Unexpected(step: "\(progress.step)") }
        return failure
    }

    func failure(_ code: String) async throws -> BlockFailure { try await failure(Self.job(code)) }

    /// What the code returns when each of its requests in turn gets an answer of the list; and the requests.
    func played(
        _ job: CodeJob,
        _ answers: [OutsideAnswer]
    ) async throws -> (value: Value, requests: [OutsideRequest], lines: [String]) {
        var given: [CodeAnswer] = []
        var requests: [OutsideRequest] = []
        var lines: [String] = []
        while true {
            let progress = await pool.advance(job, answers: given)
            lines += progress.lines.map(\.text)
            switch progress.step {
            case .returned(let value): return (value, requests, lines)
            case .asks(let question):
                guard case .send(let request) = question.work, given.count < answers.count else {
                    throw Unexpected(step: "\(question)")
                }
                requests.append(request)
                given.append(question.answered(.response(answers[given.count])))
            case .failed(let failure): throw Unexpected(step: "\(failure.code): \(failure.message)")
            }
        }
    }

    /// What the code asks next.
    func question(_ job: CodeJob, answers: [CodeAnswer] = []) async throws -> CodeQuestion {
        let progress = await pool.advance(job, answers: answers)
        guard case .asks(let question) = progress.step else { throw Unexpected(step: "\(progress.step)") }
        return question
    }

    struct Unexpected: Error { var step: String }
}

extension Timestamp {
    static var epoch: Timestamp {
        Timestamp(seconds: 0, nanoseconds: 0) ?? { preconditionFailure("1970 is between 0001 and 9999") }()
    }
}

extension OutsideAnswer {
    static func json(_ text: String, status: Int = 200) -> OutsideAnswer {
        let headers = ["content-type": "application/json", "request-id": "req_1"]
        return OutsideAnswer(status: status, headers: headers, body: Array(text.utf8))
    }
}

extension CodeQuestion {
    func answered(_ outcome: CodeAnswer.Outcome) -> CodeAnswer {
        CodeAnswer(call: call, arguments: arguments, outcome: outcome)
    }
}
