import Expressions
import FlowEngine
import FlowLanguage
import FlowServer
import ServiceLifecycle
import Synchronization

/// One call of one flow beside a running engine; ends when the run answered, ended or parked.
final class FlowCall: Service {
    struct Result: Sendable {
        let run: RunID?
        let answer: Value
        /// Nil: the run is not over, and nobody knows yet how it ends.
        let isSuccess: Bool?
    }

    private let kind: FlowGraph.Kind
    private let flow: String
    private let input: ValueMap
    private let caller: Caller
    private let engine: Engine
    private let outcome = Mutex<Swift.Result<Result, any Error>?>(nil)

    init(_ kind: FlowGraph.Kind, _ flow: String, _ input: ValueMap, _ caller: Caller, _ engine: Engine) {
        self.kind = kind
        self.flow = flow
        self.input = input
        self.caller = caller
        self.engine = engine
    }

    func run() async throws {
        await engine.waitUntilReady()
        let result: Swift.Result<Result, any Error>
        do {
            // Who is asked to stop does not wait any longer; the run goes on where the app is served next.
            result = .success(try await cancelWhenGracefulShutdown { try await self.call() })
        } catch let error as EngineError {
            // Says which members of the input do not fit, as the server's answers do.
            result = .failure(AdministrationError(error))
        } catch {
            result = .failure(error)
        }
        outcome.withLock { $0 = result }
    }

    /// - Throws: what refused the call.
    func result() throws -> Result {
        guard let result = outcome.withLock({ $0 }) else { throw CommandFailure("the call was stopped") }
        return try result.get()
    }

    private func call() async throws -> Result {
        switch kind {
        case .page:
            let answer = try await engine.callPage(
                flow,
                input: .map(input),
                caller: caller,
                idempotencyKey: nil,
                timeLimit: .seconds(60)
            )
            switch answer {
            case .answered(let answer, let run):
                return Result(run: run, answer: answer.body, isSuccess: answer.status < 400)
            case .accepted(let run):
                return Result(run: run, answer: ["run": .int(run.rawValue)], isSuccess: nil)
            }
        case .cloud:
            let run = try await engine.start(flow, input: input, trigger: .null, origin: .manual, caller: caller)
            let record = try await engine.answer(of: run, timeLimit: .seconds(60))
            let isSuccess = record.status.isFinal ? record.status == .succeeded : nil
            return Result(run: run, answer: record.answer?.body ?? .null, isSuccess: isSuccess)
        }
    }
}
