import Expressions
import FlowEngine
import Synchronization
import TestSupport
import Testing

/// How one write of an engine fails: fail the n-th for n = 1, 2, 3 … until a run has fewer, let the caller try again
/// with its key, and the end must be that of the undisturbed run.
enum OneFailedWrite: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case groupBefore = "group before"
    case commitAfter = "commit after"
    case writeBefore = "write before"
    case writeAfter = "write after"
    case writeBreaksGroup = "write breaks the group"

    var testDescription: String { rawValue }

    private func fault(at number: Int) -> FaultInjectingStore.Fault {
        switch self {
        case .groupBefore: .beforeGroup(number, .unavailable)
        case .commitAfter: .afterCommit(number)
        case .writeBefore: .beforeWrite(number, .unavailable)
        case .writeAfter: .afterWrite(number, .unavailable)
        case .writeBreaksGroup: .afterWrite(number, .groupFailed)
        }
    }

    /// Calls the page `f` of `flow` once for each write it has; `check` looks at the answer, the engine, and what was
    /// sent outside.
    ///
    /// - Returns: How many writes were made to fail.
    func strikeEach(
        upTo most: Int,
        in flow: String,
        check: @Sendable (RunAnswer?, Engine, ScriptedTransport, Comment) async throws -> Void
    ) async throws -> Int {
        for number in 1...most where try await !strikes(fault(at: number), in: flow, check) { return number - 1 }
        Issue.record("the run has more writes than expected")
        return most
    }

    private func strikes(
        _ fault: FaultInjectingStore.Fault,
        in flow: String,
        _ check: @Sendable (RunAnswer?, Engine, ScriptedTransport, Comment) async throws -> Void
    ) async throws -> Bool {
        let transport = ScriptedTransport()
        let box = Mutex<FaultInjectingStore?>(nil)
        var hasStruck = false
        try await EngineWorld.with(flow) { world in
            try await world.run(transport: transport) { base in
                let store = FaultInjectingStore(base)
                box.withLock { $0 = store }
                return store
            } body: { engine in
                let store = try #require(box.withLock { $0 })
                store.arm(fault)
                var answer: RunAnswer?
                for _ in 1...3 where answer == nil {
                    await engine.waitUntilReady()
                    do {
                        answer = try await engine.call(key: "k")
                    } catch let error as EngineError {
                        guard case .store = error.code else { throw error }
                    }
                }
                hasStruck = store.hasStruck
                try await check(answer, engine, transport, "\(fault)")
            }
        }
        return hasStruck
    }
}
