import Dispatch
import Expressions
import FlowEngine
import FlowStores
import TestSupport
import Testing

// Goal: an error at any statement of a group harms nobody but the run whose own statement it was, and nobody hears an
// answer that is not on disk.
// Method: seven runs that write and one that only reads a row of the first are held until they form one group; the n-th
// write or read of it fails, for n = 1, 2, 3 … until there are fewer, with each kind of error. Every caller insists with
// its key. Then each key has one run, every answer that was given is that run's, and the reader saw a row that is there.
@Suite("Groups: an error of each kind at each statement of eight runs")
struct GroupErrorTests {
    enum Kind: String, CaseIterable, Sendable {
        /// The statement's data is refused: its own run fails, or was never begun.
        case constraint
        /// `RAISE(ROLLBACK)`: SQLite undoes the whole transaction.
        case rollback
        case full
        case ioError
        /// The commit fails, and whether it is on disk is not known; it is.
        case commit
        /// The commit is refused, as for a rule that is checked at the end: the group's runs are tried one by one.
        case refusedCommit
        /// The commit fails, and whether it is on disk is not known; it is not.
        case failedCommit
        /// A caller goes away while its run waits for the group.
        case cancelledCaller
        /// A caller goes away while the group is at a statement, its own or another's.
        case cancelledAtStatement

        /// Statements that the group has at least, of those that this kind strikes.
        var fewest: Int {
            switch self {
            case .constraint: 22
            case .rollback, .full, .ioError, .cancelledAtStatement: 40
            case .commit, .refusedCommit, .failedCommit: 1
            case .cancelledCaller: 8
            }
        }

        func fault(_ number: Int) -> FaultInjectingStore.Fault? {
            switch self {
            case .constraint: .beforeTableStatement(number, .constraint)
            case .rollback: .beforeStatement(number, .groupFailed)
            case .full: .beforeStatement(number, .full)
            case .ioError: .beforeStatement(number, .unavailable)
            case .commit: .afterCommit(number)
            case .refusedCommit: .refusedCommit(number, .groupFailed)
            case .failedCommit: .refusedCommit(number, .unavailable)
            case .cancelledCaller: nil
            case .cancelledAtStatement: .atStatement(number)
            }
        }

        /// Whether the runs keep the order in which they came, so that the reader finds the row.
        var keepsOrder: Bool {
            switch self {
            case .commit, .refusedCommit, .rollback, .cancelledCaller, .cancelledAtStatement: true
            case .constraint, .full, .ioError, .failedCommit: false
            }
        }
    }

    @Test("no phantom answer, no innocent run harmed", arguments: Kind.allCases)
    func error(_ kind: Kind) async throws {
        var number = 1
        while try await strike(kind, at: number) { number += 1 }
        #expect(number > kind.fewest, "\(number) statements are too few")
    }

    /// - Returns: Whether there was an n-th statement.
    private func strike(_ kind: Kind, at number: Int) async throws -> Bool {
        let world = try ProofWorld()
        defer { world.remove() }
        let base = try world.openStore()
        defer { base.close() }
        let store = FaultInjectingStore(base)
        let engine = world.engine(on: store)
        return try await world.run(engine) {
            let calls = try await engine.holdingWriter {
                var calls: [Task<Heard, any Error>] = []
                for caller in 1...8 {
                    // In a fixed order in the group, the reader behind the row that it reads.
                    let call = Task { try await Self.insist(engine, caller) }
                    await engine.waitForJobs(caller)
                    if kind == .cancelledCaller, caller == number { call.cancel() }
                    calls.append(call)
                }
                store.arm(kind.fault(number), event: { [calls] in calls[number % 8].cancel() })
                return calls
            }
            // A store that was full is tried again by the clock.
            let time = Task {
                while !Task.isCancelled {
                    await world.clock.waitForSleeper(within: .seconds(2))
                    world.clock.advance(by: .seconds(2))
                }
            }
            defer { time.cancel() }
            var answers: [Heard] = []
            for call in calls { answers.append(try await call.value) }
            try await check(answers, kind, number, engine)
            return kind == .cancelledCaller ? number < 9 : store.hasStruck
        }
    }

    // SQLite itself undoes the group: a trigger below the engine says so at the third run's row.
    @Test("RAISE(ROLLBACK) of a run's own row costs that run alone, and the reader of another's row sees it")
    func raisedRollback() async throws {
        let world = try ProofWorld()
        defer { world.remove() }
        try world.openStore().close()
        try world.sabotage(
            """
            CREATE TRIGGER sabotage BEFORE INSERT ON app_orders WHEN NEW.name = 'n3'
            BEGIN SELECT RAISE(ROLLBACK, 'poisoned'); END
            """
        )
        let base = try world.openStore()
        defer { base.close() }
        let engine = world.engine(on: base)
        try await world.run(engine) {
            let heard = try await withThrowingTaskGroup(of: Heard?.self) { group in
                try await engine.holdingWriter {
                    for caller in 1...8 {
                        group.addTask {
                            guard caller == 3 else { return try await Self.insist(engine, caller) }
                            // Its run would have begun in the group that it spoils: it never was, and its caller is
                            // told so.
                            let error = await #expect(throws: EngineError.self) {
                                _ = try await engine.call("order", ["name": "n3"], key: "k3")
                            }
                            #expect(error?.code == .store(.groupFailed))
                            return nil
                        }
                        await engine.waitForJobs(caller)
                    }
                }
                return try await group.reduce(into: [Heard?]()) { $0.append($1) }.compactMap(\.self)
            }
            #expect(heard.map(\.caller).sorted() == [1, 2, 4, 5, 6, 7, 8])
            for heard in heard { #expect(heard.answer.status == 200, "\(heard)") }
            #expect(try await engine.allRuns().count == 7)
            let names = try await engine.rows("orders").compactMap { $0["name"]?.stringValue }
            #expect(names.sorted() == ["n1", "n2", "n4", "n5", "n6", "n7"])
        }
    }

    private struct Heard: Sendable {
        var caller: Int
        var answer: RunAnswer
        var run: RunID
    }

    private static func insist(_ engine: Engine, _ caller: Int) async throws -> Heard {
        let (flow, name) = caller == 8 ? ("look", "n1") : ("order", "n\(caller)")
        while true {
            await engine.waitUntilReady()
            do {
                let (answer, run) = try await engine.call(flow, ["name": .string(name)], key: "k\(caller)")
                return Heard(caller: caller, answer: answer, run: run)
            } catch let error as EngineError {
                switch error.code {
                case .notReady, .store: await Task.yield()
                default: throw error
                }
            }
        }
    }

    private func check(
        _ heard: [Heard],
        _ kind: Kind,
        _ number: Int,
        _ engine: Engine
    ) async throws {
        let place: Comment = "\(kind) at statement \(number)"
        #expect(heard.count == 8, place)
        let runs = try await engine.allRuns()
        #expect(runs.count == 8 && Set(runs.map(\.start.idempotencyKey)).count == 8, place)
        for heard in heard {
            let record = runs.first { $0.id == heard.run }
            #expect(record?.answer == heard.answer, place)
            #expect(record?.start.idempotencyKey == "k\(heard.caller)", place)
        }
        // The reader may come before the row is there, when both had to insist; nobody else fails for another's sake.
        let failed = runs.filter { $0.status != .succeeded && $0.start.flow != "look" }
        // Each has three statements of its own, one after the other; the reader's is the last.
        let struck = kind == .constraint && number <= 21 ? ["k\((number - 1) / 3 + 1)"] : []
        #expect(failed.map(\.start.idempotencyKey) == struck, "\(place): \(failed.map(\.failure))")
        if kind.keepsOrder { #expect(heard.first { $0.caller == 8 }?.answer.status == 200, place) }
        let orders = try await engine.rows("orders")
        for run in runs where run.start.flow == "order" && run.status == .succeeded {
            #expect(orders.contains { $0["id"] == run.answer?.body["id"] && $0["status"] == "PAID" }, place)
        }
        #expect(orders.count >= 7 - failed.count && orders.count <= 7, place)
        if let reader = heard.first(where: { $0.caller == 8 }), reader.answer.status == 200 {
            #expect(orders.contains { $0["name"] == "n1" && $0["id"] == reader.answer.body["id"] }, place)
        }
    }
}
