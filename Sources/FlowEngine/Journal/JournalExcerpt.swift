/// A part of a run's journal, in the order of its sequence.
package struct JournalExcerpt: Sendable, Hashable {
    package var entries: [JournalEntry]
    /// Entries that are left out.
    package var omitted: Int

    package init(entries: [JournalEntry], omitted: Int) {
        self.entries = entries
        self.omitted = omitted
    }
}

extension StoreReader {
    /// From the whole journal, for readers that have it in memory or pass calls on.
    package func excerpt(of run: RunID, limit: Int) throws(StoreError) -> JournalExcerpt {
        let entries = try entries(of: run)
        var others = 0
        let shown = entries.enumerated().filter { position, entry in
            if position < limit || position >= entries.count - limit { return true }
            guard entry.status != .succeeded else { return false }
            others += 1
            return others <= limit
        }
        return JournalExcerpt(entries: shown.map(\.element), omitted: entries.count - shown.count)
    }
}
