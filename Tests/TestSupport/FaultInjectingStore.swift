package import FlowEngine
import Synchronization

/// A real store that fails once, at a place that the test names.
package final class FaultInjectingStore: Store, WriteObserver {
    package enum Fault: Sendable, Hashable {
        /// The n-th group (from 1) that would write is refused before anything happens.
        case beforeGroup(Int, StoreError.Code)
        /// The n-th group that writes is committed, and its caller is told that it failed.
        case afterCommit(Int)
        /// The commit of the n-th group that writes is refused, and nothing of it is on disk.
        case refusedCommit(Int, StoreError.Code)
        /// The n-th write fails before it happened, and with it its whole group.
        case beforeWrite(Int, StoreError.Code)
        /// The n-th write fails after it happened, and with it its whole group.
        case afterWrite(Int, StoreError.Code)
        /// The n-th write, or reading of a run, a journal or a table, fails before it happened.
        case beforeStatement(Int, StoreError.Code)
        /// The n-th write or reading of a table is refused, as for its data.
        case beforeTableStatement(Int, StoreError.Code)
        /// At the n-th statement something else happens; the store is well.
        case atStatement(Int)
    }

    fileprivate struct State {
        var fault: Fault?
        var groups = 0
        var writes = 0
        var statements = 0
        var tableStatements = 0
        var hasWritten = false
        var hasStruck = false
        var event: (@Sendable () -> Void)?
    }

    private let base: any Store
    private let state = Mutex(State())

    package init(_ base: any Store, fault: Fault? = nil) {
        self.base = base
        arm(fault)
    }

    /// Counts from here on; `event` is what happens at a statement (`.atStatement`).
    package func arm(_ fault: Fault?, event: (@Sendable () -> Void)? = nil) {
        state.withLock { $0 = State(fault: fault, event: event) }
    }

    /// Whether the fault has happened; false also when there were fewer writes than it names.
    package var hasStruck: Bool { state.withLock { $0.hasStruck } }

    package var bootEpoch: Int64 { base.bootEpoch }

    package func writeGroup(_ body: (any StoreTransaction) throws(StoreError) -> Void) throws(StoreError) {
        state.withLock { $0.hasWritten = false }
        try base.writeGroup { (transaction) throws(StoreError) in
            try body(ObservedTransaction(base: transaction, observer: self))
            let refusal: StoreError? = state.withLock { state in
                guard case .refusedCommit(let number, let code) = state.fault, state.hasWritten,
                    state.groups == number
                else { return nil }
                return state.strike(code)
            }
            if let refusal { throw refusal }
        }
        let failure: StoreError? = state.withLock { state in
            guard case .afterCommit(let number) = state.fault, state.hasWritten, state.groups == number else {
                return nil
            }
            return state.strike(.unavailable)
        }
        if let failure { throw failure }
    }

    package func read<Result: Sendable>(
        _ body: @Sendable (any StoreReader) throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        try await base.read(body)
    }

    package func close() { base.close() }

    func willWrite(_ write: StoreWrite) throws(StoreError) {
        let failure: StoreError? = state.withLock { state in
            state.writes += 1
            if !state.hasWritten {
                state.hasWritten = true
                state.groups += 1
            }
            switch state.fault {
            case .beforeGroup(let number, let code) where number == state.groups: return state.strike(code)
            case .beforeWrite(let number, let code) where number == state.writes: return state.strike(code)
            default: return state.strikeStatement(isTable: write == .table)
            }
        }
        if let failure { throw failure }
        happen()
    }

    func willRead(isTable: Bool) throws(StoreError) {
        let failure = state.withLock { $0.strikeStatement(isTable: isTable) }
        if let failure { throw failure }
        happen()
    }

    private func happen() {
        let event: (@Sendable () -> Void)? = state.withLock { state in
            guard case .atStatement(let number) = state.fault, number == state.statements else { return nil }
            state.hasStruck = true
            return state.event
        }
        event?()
    }

    func didWrite(_ write: StoreWrite) throws(StoreError) {
        let failure: StoreError? = state.withLock { state in
            guard case .afterWrite(let number, let code) = state.fault, number == state.writes else { return nil }
            return state.strike(code)
        }
        if let failure { throw failure }
    }
}

extension FaultInjectingStore.State {
    fileprivate mutating func strikeStatement(isTable: Bool) -> StoreError? {
        statements += 1
        if isTable { tableStatements += 1 }
        switch fault {
        case .beforeStatement(let number, let code) where number == statements: return strike(code)
        case .beforeTableStatement(let number, let code) where isTable && number == tableStatements:
            return strike(code)
        default: return nil
        }
    }

    fileprivate mutating func strike(_ code: StoreError.Code) -> StoreError? {
        guard !hasStruck else { return nil }
        hasStruck = true
        return StoreError(code, "injected")
    }
}
