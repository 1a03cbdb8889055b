package import FlowEngine
import Synchronization

/// A real store that counts the groups which wrote something, and their writes.
package final class CountingStore: Store, WriteObserver {
    package struct Counts: Sendable, Hashable {
        /// Committed groups in which anything was written.
        package var commits = 0
        package var writes: [StoreWrite: Int] = [:]
    }

    private struct State {
        var counts = Counts()
        var hasWritten = false
    }

    private let base: any Store
    private let state = Mutex(State())

    package init(_ base: any Store) { self.base = base }

    package var counts: Counts { state.withLock { $0.counts } }
    package func reset() { state.withLock { $0.counts = Counts() } }

    package var bootEpoch: Int64 { base.bootEpoch }

    package func writeGroup(_ body: (any StoreTransaction) throws(StoreError) -> Void) throws(StoreError) {
        state.withLock { $0.hasWritten = false }
        try base.writeGroup { (transaction) throws(StoreError) in
            try body(ObservedTransaction(base: transaction, observer: self))
        }
        state.withLock { if $0.hasWritten { $0.counts.commits += 1 } }
    }

    package func read<Result: Sendable>(
        _ body: @Sendable (any StoreReader) throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        try await base.read(body)
    }

    package func close() { base.close() }

    func willWrite(_ write: StoreWrite) throws(StoreError) {}

    func didWrite(_ write: StoreWrite) throws(StoreError) {
        state.withLock { state in
            state.hasWritten = true
            state.counts.writes[write, default: 0] += 1
        }
    }
}
