import Connections
import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import HTTPTransport
import Logging
import Payments
import TestSupport

/// What a child does: it calls a flow until it has every answer, as a client that never gives up, and takes stock.
struct ProbeRun: Sendable {
    /// Page calls, each with its key; more calls are more passages through each failpoint.
    static let calls = 5

    let order: ProbeOrder
    let app: App

    func carryOut() async throws {
        guard let endpoint = StripeEndpoint(loopback: order.stripe) else { throw ProbeFailure("no simulator") }
        let clock = ManualClock(order.start)
        let store = try SQLiteStore(folder: order.folder, tables: app.tables, configuration: .init(clock: clock))
        let credentials = StripeCredentials(ProbeCredentials())
        let http = HTTPClient()
        let engine = Engine(
            app: app,
            store: store,
            transport: ServiceTransport(
                connections: app.connections,
                services: ["stripe": StripeService(endpoint: endpoint, credentials: credentials)],
                sender: { request throws(HTTPError) in try await http.send(request) }
            ),
            clock: clock,
            random: SeededRandomSource(),
            features: [PaymentsFeature(app: app, mode: .test, credentials: credentials)],
            mode: .test,
            logger: Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() }
        )
        try seed(store)
        let running = Task { try await engine.run() }
        // Nobody waits for real time: whoever sleeps a little is due at once.
        let time = Task {
            while !Task.isCancelled {
                await clock.waitForSleeper(within: .seconds(75))
                clock.advance(by: .seconds(75))
            }
        }
        await engine.waitUntilReady()
        try await engine.prune()
        for number in 1...Self.calls {
            _ = try await engine.callPage(
                order.kind,
                input: [:],
                caller: Caller(id: "ann", roles: ["customer"]),
                idempotencyKey: "k\(number)",
                timeLimit: .seconds(86_400)
            )
            try await settle(engine)
        }
        try await startByHand(engine)
        try await settle(engine)
        let text = try await store.read { reader throws(StoreError) in try EndState(reader, tables: app.tables).text }
        try text.write(toFile: order.endFile, atomically: true, encoding: .utf8)
        // The process ends here, as abruptly as those that are killed.
        _ = (running, time)
    }

    /// A row that several flows change, and a run that ended so long ago that it is to go.
    private func seed(_ store: SQLiteStore) throws(StoreError) {
        try store.writeGroup { transaction throws(StoreError) in
            guard try transaction.find(RecordQuery(table: "counters", where: [], limit: 1)).isEmpty else { return }
            _ = try transaction.insert(into: "counters", [("name", "only")])
            guard let past = Timestamp(rfc3339: "2025-01-01T00:00:00Z"), let graph = app.flows["child"] else { return }
            let start = RunStart(flow: "child", version: graph.version, origin: .manual, caller: .system, mode: .test)
            let old = try transaction.insertRun(start, at: past)
            try transaction.updateRun(
                RunRecord(id: old, start: start, status: .succeeded, createdAt: past, finishedAt: past)
            )
        }
    }

    /// One run that waits its turn in the store, as a page call's does not.
    private func startByHand(_ engine: Engine) async throws {
        let started = try await runs(engine)
        guard !started.contains(where: { $0.start.flow == order.kind && $0.start.origin == .manual }) else { return }
        _ = try await engine.start(
            order.kind,
            input: [:],
            trigger: .null,
            origin: .manual,
            caller: Caller(id: "operator", roles: ["admin"])
        )
    }

    /// Returns when no run can go on by itself any more.
    private func settle(_ engine: Engine) async throws {
        while let open = try await runs(engine).first(where: { !$0.status.isFinal }) {
            guard ![.paused, .outcomeUnknown, .quarantined].contains(open.status) else { return }
            if open.answer == nil {
                _ = try await engine.answer(of: open.id, timeLimit: .seconds(86_400))
            } else {
                // It has answered and goes on: what it does is in one of the next groups.
                try await engine.write { (_) throws(StoreError) in }
            }
        }
    }

    private func runs(_ engine: Engine) async throws -> [RunRecord] {
        try await engine.store.read { reader throws(StoreError) in try reader.runs(matching: RunFilter(limit: 1_000)) }
    }
}

struct ProbeCredentials: CredentialSource {
    func secret(named name: String) -> Secret? {
        switch name {
        case "stripe.test.secretKey": Secret("sk_test_probe")
        case "stripe.test.publishableKey": Secret("pk_test_probe")
        default: nil
        }
    }
}
