import FlowEngine

/// The newest changes of one table, read once for all its subscribers.
///
/// A subscriber holds nothing but its place. One that is so slow that its place has left the ring reads the log itself.
struct ChangeRing: Sendable {
    /// A change with the row as it was when it was read, which may be newer.
    struct Entry: Sendable {
        let change: TableChange
        /// Who the row belongs to now.
        let owner: String?
        /// The whole event; nil when the row is gone, whose deletion then follows.
        let event: [UInt8]?
    }

    /// Changes and bytes kept: both bound what the process holds for a table.
    private static let lengthMax = 512, bytesMax = 1 << 20

    /// Every change beyond this one, up to `newest`, is here.
    private(set) var base: Int64
    /// The last change that was looked at.
    private(set) var newest: Int64
    private var entries: ArraySlice<Entry> = []
    private var bytes = 0

    init(after sequence: Int64) {
        base = sequence
        newest = sequence
    }

    /// Takes what was read of the changes beyond `start`, unless something before it was never read.
    mutating func append(_ batch: [Entry], after start: Int64, upTo sequence: Int64) {
        guard newest >= start else { return }
        for entry in batch where entry.change.sequence > newest {
            entries.append(entry)
            bytes += entry.event?.count ?? 0
        }
        newest = max(newest, sequence)
        while entries.count > Self.lengthMax || bytes > Self.bytesMax, let first = entries.popFirst() {
            base = first.change.sequence
            bytes -= first.event?.count ?? 0
        }
        // What was popped is still held by the slice's storage.
        if entries.startIndex > 2 * Self.lengthMax { entries = ArraySlice(Array(entries)) }
    }

    /// Changes beyond `sequence`; nil when some of them have left the ring.
    func entries(after sequence: Int64, limit: Int) -> [Entry]? {
        guard sequence >= base else { return nil }
        var low = entries.startIndex
        var high = entries.endIndex
        while low < high {
            let middle = low + (high - low) / 2
            if entries[middle].change.sequence > sequence { high = middle } else { low = middle + 1 }
        }
        return Array(entries[low...].prefix(limit))
    }
}

extension ChangeRing.Entry {
    /// The event that this change is for somebody who may see the rows of `scope`; nil when it is none of theirs.
    func event(for scope: RowScope) -> [UInt8]? {
        if let row = scope.row, row != change.row { return nil }
        if change.kind != .delete, scope.covers(owner: owner) { return event }
        guard scope.covers(owner: change.formerOwner) else { return nil }
        // Gone, or no longer theirs.
        guard change.kind == .delete || event != nil else { return nil }
        return ServerSentEvent.deletion(of: change.row, id: change.sequence)
    }
}
