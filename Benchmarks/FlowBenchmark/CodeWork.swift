import CustomCode
import Expressions
import FlowEngine
import Foundation

/// The work of Windmill's published benchmark: one flow of 40 light steps, and one of 10 heavy ones, as Custom Code.
struct CodeWork {
    let folder: String

    /// - Returns: Whether there was a worker to run code with.
    func measure(_ report: inout Report) async throws -> Bool {
        guard let worker = WorkerLocation.find() else { return false }
        let pool = CodePool(CodePool.Configuration(executable: worker))
        let machine = Machine()
        let times = try await EngineLoad.with(folder: folder, code: pool) { load in
            // The first code of a process starts a worker.
            _ = try await Self.seconds(load, steps: 1, number: 1)
            return [
                try await Self.seconds(load, steps: 40, number: 10),
                try await Self.seconds(load, steps: 10, number: 33),
            ]
        }
        report.add("Custom Code: a flow of 40 × fibonacci(10)", times[0], "s", machine)
        report.add("Custom Code: a flow of 10 × fibonacci(33)", times[1], "s", machine)
        return true
    }

    private static func seconds(_ load: EngineLoad, steps: Int64, number: Int64) async throws -> Double {
        let begin = Machine.monotonicSeconds
        let answer = try await load.engine.callPage(
            "fibonacci",
            input: ["steps": .int(steps), "number": .int(number)],
            caller: Caller(id: "ann@example.com", roles: ["customer"]),
            idempotencyKey: nil,
            timeLimit: .seconds(120)
        )
        guard case .answered(let answer, _) = answer, answer.status == 200, answer.body["count"] == .int(steps) else {
            throw BenchmarkFailure("the flow of code answered \(answer)")
        }
        return Machine.monotonicSeconds - begin
    }
}
