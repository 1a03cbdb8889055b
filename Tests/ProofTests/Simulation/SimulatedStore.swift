import Expressions
import FlowEngine
import FlowStores
import Synchronization

/// A real store whose process may die inside a group or right behind its commit.
///
/// Reads go through the writer's connection, since in this world there is one thread.
final class SimulatedStore: Store {
    private let base: SQLiteStore
    private let process: SimulatedProcess
    private let troubles: Troubles

    init(_ base: SQLiteStore, process: SimulatedProcess, troubles: Troubles) {
        self.base = base
        self.process = process
        self.troubles = troubles
    }

    var bootEpoch: Int64 { base.bootEpoch }

    func writeGroup(_ body: (any StoreTransaction) throws(StoreError) -> Void) throws(StoreError) {
        // The rest of a step in which the process died must not reach the disk.
        guard !process.isDead else { throw StoreError(.closed, "the process is dead") }
        let trouble = troubles.ofGroup()
        try base.writeGroup { (transaction) throws(StoreError) in
            try body(transaction)
            switch trouble {
            case .diesBeforeCommit:
                process.die()
                throw StoreError(.unavailable, "the process died")
            case .fails(let code): throw StoreError(code, "injected")
            case .diesAfterCommit, .failsAfterCommit, nil: break
            }
        }
        switch trouble {
        case .diesAfterCommit:
            process.die()
            throw StoreError(.unavailable, "the process died")
        case .failsAfterCommit: throw StoreError(.unavailable, "injected")
        case .diesBeforeCommit, .fails, nil: break
        }
    }

    func read<Result: Sendable>(
        _ body: @Sendable (any StoreReader) throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        guard !process.isDead else { throw StoreError(.closed, "the process is dead") }
        var result: Result?
        try base.writeGroup { (transaction) throws(StoreError) in result = try body(transaction) }
        guard let result else { throw StoreError(.unavailable, "nothing was read") }
        return result
    }

    func close() { base.close() }
}

/// What goes wrong, by the seed, as long as things may go wrong.
final class Troubles: Sendable {
    enum OfGroup: Sendable {
        case diesBeforeCommit, diesAfterCommit
        case fails(StoreError.Code)
        case failsAfterCommit
    }

    enum OfMessage: Sendable {
        case lost, answerLost, twice
    }

    let world: SimulatedWorld
    /// From then on everything works: what was promised must come about.
    private let end: Timestamp
    /// Groups that are spared yet: parts of a group that was undone are tried alone, and if one fails then as well, it is
    /// rightly held to be at fault.
    private let spared = Mutex(0)

    init(_ world: SimulatedWorld, for span: Duration) {
        guard let end = world.now + span else { preconditionFailure("no time") }
        self.world = world
        self.end = end
    }

    var isOver: Bool { world.now >= end }

    func ofGroup() -> OfGroup? {
        let isSpared = spared.withLock { spared in
            spared = max(0, spared - 1)
            return spared > 0
        }
        guard !isOver, !isSpared, world.oneIn(12) else { return nil }
        switch world.draw(12) {
        case 0: return .diesBeforeCommit
        case 1: return .diesAfterCommit
        case 2: return .fails(.full)
        case 3: return .fails(.unavailable)
        case 4:
            spared.withLock { $0 = 64 }
            return .fails(.groupFailed)
        case 5: return .failsAfterCommit
        default: return nil
        }
    }

    func ofMessage() -> OfMessage? {
        guard !isOver else { return nil }
        switch world.draw(12) {
        case 0: return .lost
        case 1: return .answerLost
        case 2: return .twice
        default: return nil
        }
    }

    /// Whether the process dies now, between two steps.
    var killsNow: Bool { !isOver && world.oneIn(400) }
}
