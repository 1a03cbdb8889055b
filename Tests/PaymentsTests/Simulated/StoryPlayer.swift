import Expressions
import FlowLanguage
import TestSupport

@testable import FlowEngine
@testable import Payments

/// Plays one set of events in many orders from the same state of the tables: each in a savepoint that is undone.
///
/// The callback runs go through the engine's own turn, with the flows as they stand in the app.
struct StoryPlayer: Sendable {
    struct Event: Sendable {
        var event: StripeEvent
        var body: [UInt8]
    }

    /// What must be the same, or bounded, whatever the order.
    struct Ending: Sendable {
        /// Rows without their numbers and times, sorted.
        var tables: [String]
        /// How often each block of a flow ran.
        var visits: [String: Int]
        /// How often each change was told as new: `flow object transition`.
        var handled: [String: Int]
        var failures: [String]
    }

    let context: TurnContext
    let payments: PaymentsFeature
    let events: [Event]
    let now: Timestamp

    /// Keeps of the web hooks those that can change anything; all others are filed as ignored, without a look.
    init(_ world: SimulatedWorld, _ hooks: [SimulatedStripe.Hook]) {
        context = world.engine.context()
        payments = world.payments
        now = world.clock.now()
        events = hooks.compactMap { hook in
            guard let event = StripeEvent(body: hook.body), event.subject != .other else { return nil }
            return Event(event: event, body: hook.body)
        }
    }

    /// Plays the events at these positions, which may repeat, and undoes everything.
    func play(
        _ positions: [Int],
        runsAtEnd: Bool,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> Ending {
        var ending: Ending?
        do throws(StoreError) {
            try transaction.savepoint { () throws(StoreError) in
                ending = try perform(positions, runsAtEnd: runsAtEnd, in: transaction)
                throw StoreError(.constraint, "undone on purpose")
            }
        } catch {
            guard let ending else { throw error }
            return ending
        }
        throw StoreError(.corrupt, "the savepoint was not undone")
    }

    private func perform(
        _ positions: [Int],
        runsAtEnd: Bool,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> Ending {
        var ending = Ending(tables: [], visits: [:], handled: [:], failures: [])
        for position in positions {
            let event = events[position]
            _ = try payments.accept(event.event, body: event.body, at: now, in: transaction)
            if !runsAtEnd { try runCallbacks(&ending, in: transaction) }
        }
        try runCallbacks(&ending, in: transaction)
        ending.tables = try tables(in: transaction)
        return ending
    }

    private func runCallbacks(_ ending: inout Ending, in transaction: any StoreTransaction) throws(StoreError) {
        while true {
            let queued = try transaction.runs(matching: RunFilter(statuses: [.queued], limit: 1_000))
            guard !queued.isEmpty else { return }
            for record in queued.sorted(by: { $0.id < $1.id }) { try run(record, &ending, in: transaction) }
        }
    }

    private func run(
        _ queued: RunRecord,
        _ ending: inout Ending,
        in transaction: any StoreTransaction
    ) throws(StoreError) {
        guard let graph = try context.graph(of: queued.start, in: transaction) else {
            throw StoreError(.corrupt, "no graph")
        }
        var record = queued
        record.startedAt = now
        let interpreter = Interpreter(graph: graph, run: record.id, start: record.start, startedAt: now)
        var turn = Turn(LiveRun(record: record, interpreter: interpreter), context: context, in: transaction)
        while try turn.advance() == .yielding {}
        let flow = record.start.flow
        if turn.run.record.status != .succeeded { ending.failures.append("\(flow) \(turn.run.record.status)") }
        for entry in try transaction.entries(of: record.id) {
            ending.visits["\(flow) \(entry.address.path.rawValue)", default: 0] += 1
            guard entry.block == "callback-handler", entry.output["callbackProcessed"] == false else { continue }
            let claim = record.start.trigger["claim"]
            let name = ["object", "transition"].map { claim?[$0]?.stringValue ?? "" }.joined(separator: " ")
            ending.handled["\(flow) \(name)", default: 0] += 1
        }
    }

    private func tables(in transaction: any StoreTransaction) throws(StoreError) -> [String] {
        var lines: [String] = []
        let order = context.app.payments?.orderTable ?? ""
        for table in [order, "payments", "refunds", "recurring_payments"] {
            for row in try transaction.find(RecordQuery(table: table, where: [], limit: 1_000)) {
                // A further period's order and payment get their numbers in the order of the events.
                let columns = row.filter { !["id", "createdAt", "updatedAt"].contains($0.key.stringValue ?? "") }
                lines.append(
                    "\(table): "
                        + columns.map { "\($0.key.stringValue ?? "")=\($0.value)" }.sorted().joined(separator: " ")
                )
            }
        }
        return lines.sorted()
    }

    // MARK: Orders

    /// All orders of up to 7 events, 2,000 by chance beyond; each event is doubled, and one comes once more at the end.
    func orders(seed: UInt64) -> [[Int]] {
        var random = SplitMix(seed: seed)
        let positions = Array(events.indices)
        let orders =
            events.count <= 7
            ? Self.permutations(of: events.count) : (0..<2_000).map { _ in positions.shuffled(using: &random) }
        return orders.enumerated().map { number, order in
            // Doubled at once, or the whole once more: both happen.
            let doubled = number % 2 == 0 ? order.flatMap { [$0, $0] } : order + order
            return doubled + [order[number % order.count]]
        }
    }

    private static func permutations(of count: Int) -> [[Int]] {
        guard count > 0 else { return [[]] }
        return permutations(of: count - 1).flatMap { shorter in
            (0..<count).map { place in
                var longer = shorter
                longer.insert(count - 1, at: place)
                return longer
            }
        }
    }
}
