import Expressions
import FlowLanguage

/// A run as it was recorded, with its journal and the evidence for it.
package struct RecordedRun: Sendable, Hashable {
    package var record: RunRecord
    /// In the order of their sequence, with accesses and receipts.
    package var entries: [JournalEntry]

    package init(record: RunRecord, entries: [JournalEntry]) {
        self.record = record
        self.entries = entries
    }
}

/// A run with the runs that it waited for, and what else it was given.
package struct RecordedHistory: Sendable, Hashable {
    /// The run itself first, then its sub-runs in the order of their ids.
    package var runs: [RecordedRun]
    /// Tells this installation's keys from any other's.
    package var installation: [UInt8]
    /// Entries that the run took over from the run that it does again: they were made for another run, perhaps with
    /// other input.
    package var kept: Int

    package init(runs: [RecordedRun], installation: [UInt8], kept: Int = 0) {
        self.runs = runs
        self.installation = installation
        self.kept = kept
    }
}

extension RunRecord {
    /// Ended from outside: by a person, or by the engine since the machine let it down.
    package var wasStopped: Bool {
        if status == .cancelled { return true }
        guard status == .failed, let failure, failure.type == "engine" else { return false }
        return failure.code.hasPrefix("engine_")
    }
}

extension RecordedRun {
    /// It failed before its first block, so there is no way that it went.
    package var isRefused: Bool { record.status == .failed && record.startedAt == nil && entries.isEmpty }

    /// How many entries at the beginning are another run's: the same, but for the run that they name.
    package func entries(keptFrom other: [JournalEntry]) -> Int {
        zip(entries, other).prefix { own, old in
            var moved = old
            moved.address.run = own.address.run
            moved.accesses = own.accesses
            moved.receipt = own.receipt
            return moved == own
        }.count
    }
}

extension JournalEntry {
    /// Everything that the block read and changed; nil when it was not noted.
    package var allAccesses: [StoreAccess]? {
        if let accesses { return accesses + (receipt?.accesses ?? []) }
        guard status == .succeeded || status == .failed, let table = input["table"]?.stringValue else { return nil }
        switch (block, status) {
        case ("find-record", .succeeded): return output.mapValue.map { [.find(table: table, rows: [$0])] }
        case ("find-records", .succeeded):
            return (output["items"]?.listValue?.compactMap(\.mapValue)).map { [.find(table: table, rows: $0)] }
        case ("insert-record", .succeeded): return output.mapValue.map { [.insert(table: table, row: $0)] }
        case ("find-record", .failed) where failure?.code == "not_found": return [.find(table: table, rows: [])]
        case ("insert-record", .failed) where failure?.code == "constraint":
            let message = failure?.message ?? ""
            return [.refused(table: table, StoreError(.constraint, message, column: failure?.param))]
        case ("find-record", .failed), ("find-records", .failed), ("insert-record", .failed): return []
        default: return nil
        }
    }

    /// Whether a block of this kind can be done again from what was noted.
    package var isRepeatable: Bool {
        if let call = input["call"]?.stringValue, call.hasPrefix("records.") { return accesses != nil }
        return switch block {
        case "update-record", "delete-record", "upsert-record", "callback-handler": allAccesses != nil
        case "execute-connection-command": allAccesses != nil || failure?.type == "access"
        default: true
        }
    }
}
