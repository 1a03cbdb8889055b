import Connections
import CustomCode
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
package struct ProbeRun: Sendable {
    /// Page calls, each with its key; more calls are more passages through each failpoint.
    package static let calls = 5

    let order: ProbeOrder
    let app: App

    func carryOut() async throws {
        guard let endpoint = StripeEndpoint(loopback: order.stripe) else { throw ProbeFailure("no simulator") }
        let clock = ManualClock(order.start)
        let thread = PinnedThread()
        let store = try await thread.perform { [self] in
            let store = try SQLiteStore(folder: order.folder, tables: app.tables, configuration: .init(clock: clock))
            try seed(store)
            return store
        }
        try await noteFound(in: store)
        let credentials = StripeCredentials(ProbeCredentials())
        let payments = PaymentsFeature(app: app, mode: .test, credentials: credentials)
        let http = HTTPClient()
        let engine = Engine(
            app: app,
            store: store,
            transport: ServiceTransport(
                connections: app.connections,
                services: [
                    "stripe": StripeService(endpoint: endpoint, credentials: credentials),
                    "http": HTTPService(connections: app.connections, credentials: ProbeCredentials()),
                ],
                sender: { [order] request throws(HTTPError) in try await http.send(Self.rerouted(request, order)) }
            ),
            clock: clock,
            random: SeededRandomSource(),
            features: [payments, HTTPFeature()],
            code: WorkerLocation.find().map { CodePool(CodePool.Configuration(executable: $0, cores: 1)) },
            mode: .test,
            logger: Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() },
            writerThread: thread
        )
        let running = Task { try await engine.run() }
        // Nobody waits for real time: whoever sleeps a little is due at once.
        let time = Task {
            while !Task.isCancelled {
                await clock.waitForSleeper(within: .seconds(75))
                clock.advance(by: .seconds(75))
            }
        }
        await engine.waitUntilReady()
        let events = Task { try await sendEvents(engine) }
        try await insist(on: engine) { try await engine.prune() }
        for number in 1...Self.calls {
            try await insist(on: engine) {
                _ = try await engine.callPage(
                    order.kind,
                    input: [:],
                    caller: Caller(id: "ann", roles: ["customer", "admin"]),
                    idempotencyKey: "k\(number)",
                    timeLimit: .seconds(86_400)
                )
            }
            try await finish(engine, payments)
        }
        try await insist(on: engine) { try await startByHand(engine) }
        try await finish(engine, payments)
        try String(engine.counters.figures.failedGroups).write(
            toFile: order.failuresFile,
            atomically: true,
            encoding: .utf8
        )
        let text = try await store.read { reader throws(StoreError) in try EndState(reader, tables: app.tables).text }
        try text.write(toFile: order.endFile, atomically: true, encoding: .utf8)
        // The process ends here, as abruptly as those that are killed.
        _ = (running, time, events)
    }

    private func finish(_ engine: Engine, _ payments: PaymentsFeature) async throws {
        try await insist(on: engine) {
            try await settle(engine)
            try await deliver(to: engine, payments)
        }
    }

    /// Does it again, as often as a store does that fails for a while.
    private func insist(on engine: Engine, _ body: () async throws -> Void) async throws {
        for _ in 1...100 {
            do {
                return try await body()
            } catch let error as EngineError
                where [.notReady, .store(.unavailable), .store(.closed)].contains(error.code)
            {
                await engine.waitUntilReady()
            } catch let error as StoreError where [.unavailable, .closed].contains(error.code) {
                // A reader's connection is closed and opened again while the store is.
                await engine.waitUntilReady()
            }
        }
        throw ProbeFailure("the store fails for good")
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

    /// Tells how far the one before came.
    private func noteFound(in store: SQLiteStore) async throws {
        let found = try await store.read { reader throws(StoreError) in
            try reader.runs(matching: RunFilter(limit: 1_000)).count { $0.start.flow == order.kind }
        }
        try String(found).write(toFile: order.foundFile, atomically: true, encoding: .utf8)
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

    /// Delivers Stripe's event about each payment that is open, as Stripe does: again until it is taken in.
    private func deliver(to engine: Engine, _ payments: PaymentsFeature) async throws {
        guard order.kind == BlockKind.callbackHandler else { return }
        let open = RecordQuery(table: "payments", where: [.init("status", equals: "CREATED")], limit: 100)
        let rows = try await engine.store.read { reader throws(StoreError) in try reader.find(open) }
        for row in rows {
            guard let order = row["orderId"]?.intValue, let intent = row["intent"]?.stringValue else { continue }
            let body = Array(
                """
                {"id":"evt_order_\(order)","object":"event","api_version":"2026-08-26.dahlia","created":1795170000,\
                "livemode":false,"type":"payment_intent.succeeded","data":{"object":{"id":"\(intent)",\
                "object":"payment_intent","amount":500,"amount_received":500,"currency":"usd","status":"succeeded",\
                "livemode":false,"latest_charge":"ch_1","customer":null,"metadata":{}}}}
                """.utf8
            )
            guard let event = StripeEvent(body: body) else { throw ProbeFailure("no event of Stripe") }
            let now = engine.clock.now()
            _ = try await engine.write { transaction throws(StoreError) in
                try payments.accept(event, body: body, at: now, in: transaction)
            }
        }
        try await settle(engine)
    }

    /// The other HTTP service is the simulator as well, so that its effects are counted there.
    private static func rerouted(_ request: HTTPRequest, _ order: ProbeOrder) -> HTTPRequest {
        let other = "https://other.example.com"
        guard request.url.hasPrefix(other) else { return request }
        var request = request
        request.url = order.stripe + request.url.dropFirst(other.count)
        request.addressPolicy = .loopbackOnly
        return request
    }

    /// Sends each run that waits for `shipped` its event, as somebody outside who insists with a key.
    private func sendEvents(_ engine: Engine) async throws {
        var group: UInt64 = 0
        while true {
            group = await engine.commits.next(after: group)
            try await insist(on: engine) {
                for run in try await runs(engine) where run.status == .waiting {
                    guard let subject = run.awaits, subject.name == "shipped" else { continue }
                    _ = try await engine.receive(
                        event: subject.name,
                        key: subject.key,
                        data: ["parcel": .int(run.id.rawValue)],
                        caller: Caller(id: "ann", roles: ["customer"]),
                        idempotencyKey: "parcel of \(run.id)"
                    )
                }
            }
        }
    }

    /// Returns when no run can go on by itself any more.
    private func settle(_ engine: Engine) async throws {
        while let open = try await runs(engine).first(where: { !$0.status.isFinal && !$0.status.needsPerson }) {
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
        case "other.test.token": Secret("sk_test_probe")
        default: nil
        }
    }
}
