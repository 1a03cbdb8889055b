import FlowEngine
import FlowStores
import Synchronization

/// A store that can be told to die at a write, as a process does that is killed: from then on nothing gets through.
final class MortalStore: Store {
    /// Where it dies: the write's number, counted from 1, and whether it is on disk by then.
    struct Death: Sendable, Hashable {
        var write: Int
        var isDurable: Bool
    }

    private struct State {
        var writes: Int
        var deaths: [Death]
        var isDead = false
    }

    private let base: SQLiteStore
    private let state: Mutex<State>

    /// `writes` were counted before, by the store that this one follows.
    init(_ base: SQLiteStore, writes: Int, deaths: [Death]) {
        self.base = base
        state = Mutex(State(writes: writes, deaths: deaths))
    }

    var bootEpoch: Int64 { base.bootEpoch }
    var isDead: Bool { state.withLock { $0.isDead } }
    /// Groups so far that changed anything.
    var writes: Int { state.withLock { $0.writes } }

    func writeGroup(_ body: (any StoreTransaction) throws(StoreError) -> Void) throws(StoreError) {
        try requireLife()
        var death: Death?
        try base.writeGroup { (transaction) throws(StoreError) in
            let counter = transaction as? any ChangeCounter
            let before = counter?.changesSoFar
            try body(transaction)
            guard counter?.changesSoFar != before else { return }
            death = self.count()
            if death?.isDurable == false { throw Self.gone }
        }
        if death != nil { throw Self.gone }
    }

    func read<Result: Sendable>(
        _ body: @Sendable (any StoreReader) throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        try requireLife()
        return try await base.read(body)
    }

    func close() { base.close() }

    private static let gone = StoreError(.closed, "the process is dead")

    private func requireLife() throws(StoreError) {
        if isDead { throw Self.gone }
    }

    /// Counts a write; the death that is due at it, if one is.
    private func count() -> Death? {
        state.withLock { state in
            state.writes += 1
            guard let death = state.deaths.first(where: { $0.write == state.writes }) else { return nil }
            state.isDead = true
            return death
        }
    }
}
