import Expressions
import FlowEngine
import FlowStores
import TestSupport
import Testing

// Goal: a loop over very many items costs no more at once than one over few.
// Method: a `for-each` with `concurrency` over as many items as are allowed (in CI a part of it); between groups of the
// writer it is counted how many of its turns have a row that is not final.
@Suite("Branches: as many turns as are allowed")
struct BranchLoadTests {
    private static let turns = ProofSize.of(2_000, large: 100_000)

    @Test("no more turns have an open row than go on at once, and each is taken once", .timeLimit(.minutes(60)))
    func many() async throws {
        let world = try ProofWorld()
        defer { world.remove() }
        let store = try world.openStore()
        defer { store.close() }
        let engine = world.engine(on: store)
        try await world.run(engine) {
            let run = try await start(engine, Int64(Self.turns))
            var most = 0
            while true {
                let open = try await store.read { (reader) throws(StoreError) -> Int? in
                    guard let record = try reader.run(run), !record.status.isFinal else { return nil }
                    return try reader.openChildren(of: run).count
                }
                guard let open else { break }
                most = max(most, open)
                try await engine.write { (_) throws(StoreError) in }
            }
            #expect(most <= ProofWorld.turnsAtOnce && most > 0)
            let record = try await engine.answer(of: run, timeLimit: .seconds(86_400))
            #expect(record.status == .succeeded, "\(String(describing: record.failure))")
            let excerpt = try await store.read { (reader) throws(StoreError) in try reader.excerpt(of: run, limit: 1) }
            // The block's own entry, and one for each turn.
            #expect(excerpt.entries.count + excerpt.omitted == Self.turns + 1)
            #expect(excerpt.entries.allSatisfy { $0.status == .succeeded })
            let notes = try await engine.rows("notes").compactMap { $0["text"]?.stringValue }
            #expect(notes.count == Self.turns && Set(notes).count == Self.turns)
        }
    }

    @Test("a loop over more items than are allowed is refused before its first turn")
    func tooMany() async throws {
        let world = try ProofWorld()
        defer { world.remove() }
        let store = try world.openStore()
        defer { store.close() }
        let engine = world.engine(on: store)
        try await world.run(engine) {
            let run = try await start(engine, 100_001)
            let record = try await engine.answer(of: run, timeLimit: .seconds(86_400))
            #expect(record.failure?.code == "too_many_turns")
            #expect(try await engine.rows("notes").isEmpty)
        }
    }

    private func start(_ engine: Engine, _ count: Int64) async throws -> RunID {
        try await engine.start(
            "turns",
            input: ["count": .int(count)],
            trigger: .null,
            origin: .manual,
            caller: .system
        )
    }
}
