package import Expressions

/// How free places are shared among flows that have waiting runs.
///
/// Flows of a higher priority go first, flows of one priority in turn, one run each; every eighth place goes to the run
/// that is oldest of all, so that no priority starves another. No flow may hold every place: what another flow starts
/// next finds one.
package struct ClaimOrder: Sendable, Hashable {
    /// Places between two that are given to the oldest run of all.
    private static let oldestEvery = 8

    /// By flow; 0 where none is named.
    package var priorities: [String: Int]
    /// Places that flows hold already.
    package var held: [String: Int]
    /// The most places that one flow may hold.
    package var perFlow: Int
    /// The flow that was served last; the next one goes first.
    package var after: String
    /// Places given so far.
    package var given: Int

    package init(
        priorities: [String: Int] = [:],
        held: [String: Int] = [:],
        perFlow: Int = .max,
        after: String = "",
        given: Int = 0
    ) {
        self.priorities = priorities
        self.held = held
        self.perFlow = perFlow
        self.after = after
        self.given = given
    }

    /// The most places that a flow may get now.
    package func share(of flow: String, of places: Int) -> Int {
        max(0, min(places, perFlow - held[flow, default: 0]))
    }

    /// Chooses at most `places` of the candidates, which stand oldest first.
    ///
    /// - Parameters:
    ///   - candidates: By flow, cut to the flow's share.
    ///   - places: How many are free.
    /// - Returns: In the order in which they get their places.
    package func choose(_ candidates: [String: [RunID]], places: Int) -> [RunID] {
        var queues: [Queue] = candidates.filter { !$0.value.isEmpty }.map { Queue(flow: $0.key, runs: $0.value) }
        queues.sort { left, right in
            let (first, second) = (rank(of: left.flow), rank(of: right.flow))
            return first == second ? left.flow < right.flow : first > second
        }
        var chosen: [RunID] = []
        // The rotation's place in each priority.
        var last: [Int: String] = [:]
        while chosen.count < places, let top = queues.first.map({ rank(of: $0.flow) }) {
            let isForOldest = (given + chosen.count + 1).isMultiple(of: Self.oldestEvery)
            let index = isForOldest ? Self.oldest(queues) : next(queues, after: last[top] ?? after, rank: top)
            if !isForOldest { last[top] = queues[index].flow }
            chosen.append(queues[index].runs[queues[index].position])
            queues[index].position += 1
            if queues[index].position == queues[index].runs.count { queues.remove(at: index) }
        }
        return chosen
    }

    private struct Queue {
        var flow: String
        var runs: [RunID]
        var position = 0

        var head: RunID { runs[position] }
    }

    private func rank(of flow: String) -> Int { priorities[flow, default: 0] }

    private static func oldest(_ queues: [Queue]) -> Int {
        queues.indices.min { queues[$0].head < queues[$1].head } ?? 0
    }

    /// The first flow behind `flow` among those of the highest rank, which stand first.
    private func next(_ queues: [Queue], after flow: String, rank: Int) -> Int {
        var first: Int?
        for (index, queue) in queues.enumerated() {
            guard self.rank(of: queue.flow) == rank else { break }
            if queue.flow > flow { return index }
            first = first ?? index
        }
        return first ?? 0
    }
}

/// Runs that are to be taken up now.
package struct ClaimedRuns: Sendable, Hashable {
    /// Oldest first.
    package var runs: [RunRecord]
    /// The flow that was served last, for the next order; nil when no flow was.
    package var lastFlow: String?
    /// Whether runs wait that found no place.
    package var isMoreWaiting: Bool

    package init(runs: [RunRecord], lastFlow: String? = nil, isMoreWaiting: Bool = false) {
        self.runs = runs
        self.lastFlow = lastFlow
        self.isMoreWaiting = isMoreWaiting
    }
}

/// Queued runs of one flow that wait for a place of their concurrency key.
package struct HeldRuns: Sendable, Hashable {
    package var count: Int
    /// When the oldest of them was made.
    package var since: Timestamp

    package init(count: Int, since: Timestamp) {
        self.count = count
        self.since = since
    }
}

extension StoreReader {
    /// Runs to take up when every flow may have every place; oldest first.
    package func claimableRuns(epoch: Int64, now: Timestamp, limit: Int) throws(StoreError) -> [RunRecord] {
        try claimableRuns(epoch: epoch, now: now, limit: limit, order: ClaimOrder()).runs
    }
}
