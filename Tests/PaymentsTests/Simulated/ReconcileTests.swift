import Expressions
import FlowEngine
import FlowLanguage
import FlowServer
import Payments
import TestSupport
import Synchronization
import Testing

@Suite("payments reconcile")
struct ReconcileTests {
    private func reconciler(_ world: SimulatedWorld) -> PaymentsReconciler {
        PaymentsReconciler(engine: world.engine, payments: world.payments, transport: world.transport)
    }

    /// An order of Ann's that is paid at Stripe, with all its web hooks thrown away.
    private func paidUnheard(_ world: SimulatedWorld, card: String = "pm_card_visa") async throws {
        try await world.page("add-product", ["name": "Mug", "price": 1299], as: SimulatedWorld.admin)
        try await world.page("place-order", ["product": 1])
        let checkout = try await world.page("checkout", ["orderId": 1])
        try world.stripe.confirm(try #require(checkout.body["clientSecret"]?.stringValue), card: card)
        _ = world.stripe.takeHooks()
    }

    @Test("events that were lost are found, fetched and run the same flow once; a second round finds nothing")
    func lostEvents() async throws {
        try await SimulatedWorld.with("shop") { world in
            try await paidUnheard(world)
            #expect(try await world.column("status", of: "orders") == ["NEW"])
            let report = try await reconciler(world).reconcile()
            #expect(report.missedEvents.map(\.type).contains("payment_intent.succeeded"))
            #expect(report.runs.count == 1)
            try await world.finish(report.runs)
            #expect(try await world.column("status", of: "orders") == ["PAID"])
            let second = try await reconciler(world).reconcile()
            #expect(second.isClean && second.runs.isEmpty, "\(second)")
            #expect(second.eventsCompared >= 2 && second.objectsCompared == 1)
        }
    }

    /// Goal: however many payments there are, the newest is compared as well.
    ///
    /// Method: more payments than are read together, all over, before one that was paid unheard; the events are too old to be listed.
    @Test("a payment behind hundreds of others is compared")
    func manyPayments() async throws {
        try await SimulatedWorld.with("shop") { world in
            try await world.engine.write { transaction throws(StoreError) in
                for number in 1...450 {
                    _ = try transaction.insert(
                        into: "payments",
                        [
                            ("orderId", .int(Int64(1_000 + number))), ("amount", 100), ("currency", "usd"),
                            ("status", "CANCELLED"), ("mode", "test"), ("key", .string("old \(number)")),
                            ("intent", .string("pi_old\(number)")),
                        ]
                    )
                }
            }
            try await paidUnheard(world)
            world.stripe.advance(bySeconds: 31 * 86_400)
            world.clock.advance(by: .seconds(31 * 86_400))
            let report = try await reconciler(world).reconcile()
            #expect(report.missedEvents.isEmpty && report.objectsCompared == 1, "\(report)")
            #expect(report.repairs.count == 1)
            try await world.finish(report.runs)
            #expect(try await world.column("status", of: "orders") == ["PAID"])
        }
    }

    @Test("an event that comes after all, once reconciled, starts nothing anew")
    func lateEvent() async throws {
        try await SimulatedWorld.with("shop") { world in
            try await world.page("add-product", ["name": "Mug", "price": 1299], as: SimulatedWorld.admin)
            try await world.page("place-order", ["product": 1])
            let checkout = try await world.page("checkout", ["orderId": 1])
            try world.stripe.confirm(try #require(checkout.body["clientSecret"]?.stringValue), card: "pm_card_visa")
            let late = world.stripe.takeHooks()
            try await world.finish(try await reconciler(world).reconcile().runs)
            let outcomes = try await world.deliver(late)
            #expect(!outcomes.isEmpty)
            #expect(outcomes.allSatisfy { if case .accepted = $0 { false } else { true } }, "\(outcomes)")
            #expect(try await world.rows("payment_transitions").count == 1)
        }
    }

    @Test("an event that is found starts the app's own flows that wait for its type, once, as one that came would have")
    func ownFlows() async throws {
        let flow = """
            flow: on-paid
            kind: cloud
            trigger: { stripe: [payment_intent.succeeded] }
            blocks:
              - block: log
                message: '${ trigger.event.id }'
            """
        var sources = try AppFolder.read("\(SimulatedWorld.samples)/shop")
        sources.append(SourceFile(path: "flows/on-paid.yaml", bytes: Array(flow.utf8)))
        let compilation = AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(sources)
        #expect(compilation.diagnostics.map(\.message) == [])
        try await SimulatedWorld.with(try #require(compilation.app)) { world in
            try await paidUnheard(world)
            for _ in 0..<2 { try await world.finish(try await reconciler(world).reconcile().runs) }
            let runs = try await world.engine.store.read { reader throws(StoreError) in
                try reader.runs(matching: RunFilter(flow: "on-paid"))
            }
            #expect(runs.count == 1)
        }
    }

    /// Stripe lists events for 30 days: what is older can be seen in the objects alone.
    @Test("a payment, a refund made in the dashboard and its failure are seen in the objects when the events are gone")
    func oldObjects() async throws {
        try await SimulatedWorld.with("shop") { world in
            try await paidUnheard(world, card: "pm_card_refundFail")
            world.stripe.advance(bySeconds: 31 * 86_400)
            world.clock.advance(by: .seconds(31 * 86_400))
            _ = world.stripe.takeHooks()
            let paid = try await reconciler(world).reconcile()
            #expect(paid.missedEvents.isEmpty && paid.repairs == ["payment 1 is SUCCEEDED"], "\(paid)")
            try await world.finish(paid.runs)
            #expect(try await world.column("status", of: "orders") == ["PAID"])

            let intent = try #require(try await world.column("intent", of: "payments").first?.stringValue)
            try world.stripe.call("POST", "/v1/refunds", "payment_intent=\(intent)&amount=500")
            _ = world.stripe.takeHooks()
            let refunded = try await reconciler(world).reconcile()
            try await world.finish(refunded.runs)
            #expect(try await world.column("amount", of: "refunds") == [500])
            #expect(!refunded.isClean)
        }
    }

    @Test("a subscription's lost start, renewal and end are found; the tables end as if all had come")
    func subscriptions() async throws {
        try await SimulatedWorld.with("subscriptions", events: ["balance.available"]) { world in
            try await SampleTests.subscribe(in: world)
            #expect(try await world.column("status", of: "orders") == ["NEW"])
            let reconciler = reconciler(world)
            try await world.finish(try await reconciler.reconcile().runs)
            #expect(try await world.column("status", of: "orders") == ["PAID"])
            #expect(try await world.column("status", of: "recurring_payments") == ["ACTIVE"])
            for _ in 0..<3 { try await world.advance(days: 31) }
            let report = try await reconciler.reconcile()
            try await world.finish(report.runs)
            #expect(try await world.column("status", of: "orders") == ["PAID", "PAID", "PAID", "PAID"])
            let payments = try await world.rows("payments")
            #expect(payments.count == 4 && payments.allSatisfy { $0["intent"]?.stringValue != nil })
            #expect(try await reconciler.reconcile().isClean)
        }
    }

    /// Goal: the first period's payment is the first one, by whatever the reconciler found it.
    ///
    /// Method: the start and a renewal are both unheard; their events are there, or are too old to be listed.
    @Test("what was missed of a subscription is taken in as it happened, the oldest first", arguments: [false, true])
    func oldestFirst(isOld: Bool) async throws {
        try await SimulatedWorld.with("subscriptions", events: ["balance.available"]) { world in
            try await SampleTests.subscribe(in: world, each: "week")
            try await world.advance(days: 10)
            if isOld { for _ in 0..<40 { world.pass(seconds: 86_400) } }
            let report = try await reconciler(world).reconcile()
            try await world.finish(report.runs)
            let payments = try await world.rows("payments")
            #expect(payments.count == (isOld ? 8 : 2))
            let times = payments.compactMap { $0["statusAt"]?.intValue }
            #expect(Set(times).count == payments.count, "each has the time when it was paid: \(times)")
            let place = try #require(times.firstIndex(of: times.min() ?? 0))
            #expect(payments[place]["orderId"] == 1)
            if !isOld { #expect(times == times.sorted()) }
        }
    }

    /// Goal: what was fetched slowly does not undo what events have told meanwhile.
    ///
    /// Method: a subscription is to end with its period; Stripe is asked for it and answers late. Until then the customer
    /// has changed his mind, and the event of that is here.
    @Test("an object that comes late is of the moment when it was asked for, and loses against a newer event")
    func slowObject() async throws {
        try await SimulatedWorld.with("subscriptions") { world in
            try await SampleTests.subscribe(in: world)
            let id = try #require(try await world.column("subscription", of: "recurring_payments").first?.stringValue)
            let end = { @Sendable (ending: Bool) in
                _ = try world.stripe.call("POST", "/v1/subscriptions/\(id)", "cancel_at_period_end=\(ending)")
            }
            let slow = SlowSubscription(world.transport, before: { _ = try? end(true) }) {
                world.pass(seconds: 60)
                _ = try? end(false)
                _ = try? await world.deliver()
                world.pass(seconds: 60)
            }
            let reconciler = PaymentsReconciler(engine: world.engine, payments: world.payments, transport: slow)
            try await world.finish(try await reconciler.reconcile().runs)
            #expect(slow.wasAsked)
            #expect(try await world.column("cancelAtPeriodEnd", of: "recurring_payments") == [false])
        }
    }

    @Test("a Stripe that does not answer ends the round with its reason, and nothing is changed")
    func unreachable() async throws {
        try await SimulatedWorld.with("shop") { world in
            try await paidUnheard(world)
            world.secrets.set("stripe.test.secretKey", nil)
            await #expect(throws: ReconciliationFailure.self) { try await self.reconciler(world).reconcile() }
            #expect(try await world.column("status", of: "payments") == ["CREATED"])
        }
    }

    // MARK: Thin events

    @Test(
        "thin and snapshot events on one end point: each change is handled once, whichever comes first",
        arguments: [true, false]
    )
    func thin(isThinFirst: Bool) async throws {
        try await SimulatedWorld.with("shop") { world in
            try world.addThinDestination()
            try await world.page("add-product", ["name": "Mug", "price": 1299], as: SimulatedWorld.admin)
            try await world.page("place-order", ["product": 1])
            let checkout = try await world.page("checkout", ["orderId": 1])
            try world.stripe.confirm(try #require(checkout.body["clientSecret"]?.stringValue), card: "pm_card_visa")
            let hooks = world.stripe.takeHooks()
            let thin = hooks.filter { String(decoding: $0.body, as: UTF8.self).contains("v2.core.event") }
            let snapshots = hooks.filter { !String(decoding: $0.body, as: UTF8.self).contains("v2.core.event") }
            #expect(thin.count == snapshots.count && thin.count >= 3)
            for part in isThinFirst ? [thin, snapshots] : [snapshots, thin] {
                try await world.deliver(part)
                try await world.finish(try await reconciler(world).fetchAwaited().runs)
            }
            #expect(try await world.column("status", of: "orders") == ["PAID"])
            let runs = try await world.engine.store.read { reader throws(StoreError) in
                try reader.runs(matching: RunFilter(flow: "payment-callback"))
            }
            #expect(runs.count == 1)
            #expect(try await world.awaiting() == 0)
        }
    }

    /// Files a delivery that waits for an object, however little its body says of one.
    private func file(_ body: String, of id: String, mode: Mode = .test, in world: SimulatedWorld) async throws {
        let delivery = Delivery(
            source: PaymentsFeature.source,
            mode: mode,
            eventID: id,
            type: "v1.payment_intent.succeeded",
            receivedAt: world.clock.now(),
            body: Array(body.utf8),
            status: .awaiting
        )
        _ = try await world.engine.write { transaction throws(StoreError) in try transaction.recordDelivery(delivery) }
    }

    private func status(
        of id: String,
        _ mode: Mode = .test,
        in world: SimulatedWorld
    ) async throws -> Delivery.Status? {
        try await world.engine.store.read { reader throws(StoreError) in
            try reader.delivery(source: PaymentsFeature.source, account: "", mode: mode, eventID: id)?.status
        }
    }

    @Test("an event that waits and names no object is settled as ignored, and is not asked for again and again")
    func awaitingNothing() async throws {
        try await SimulatedWorld.with("shop") { world in
            for number in 1...3 { try await file("not JSON", of: "evt_damaged\(number)", in: world) }
            #expect(try await reconciler(world).fetchAwaited() == AwaitedObjects())
            #expect(try await world.awaiting() == 0)
            #expect(try await status(of: "evt_damaged3", in: world) == .ignored)
        }
    }

    /// Goal: an event that begins to wait in the midst of a command is not left waiting.
    ///
    /// Method: one event waits when the service starts; once it is settled, another one is filed of which nobody tells.
    @Test("an event that begins to wait untold is fetched within half a minute", .timeLimit(.minutes(5)))
    func untold() async throws {
        try await SimulatedWorld.with("shop") { world in
            try await file("not JSON", of: "evt_told", in: world)
            let fetch = ThinEventFetch(engine: world.engine, reconciler: reconciler(world), logger: world.log.logger)
            let service = Task { try await fetch.run() }
            while try await world.awaiting() > 0 { await Task.yield() }
            for _ in 0..<200 { await Task.yield() }
            try await file("not JSON", of: "evt_untold", in: world)
            while try await world.awaiting() > 0 {
                // Time passes only while somebody waits for it: who is at work is not run past.
                await world.clock.waitForSleeper(within: .seconds(30))
                world.clock.advance(by: .seconds(30))
                for _ in 0..<100 { await Task.yield() }
            }
            service.cancel()
            _ = await service.result
            #expect(try await status(of: "evt_untold", in: world) == .ignored)
        }
    }

    @Test("an event of the other mode waits on: the keys of this one do not open its object")
    func awaitingOtherMode() async throws {
        try await SimulatedWorld.with("shop") { world in
            try await file("{}", of: "evt_live", mode: .live, in: world)
            #expect(try await reconciler(world).fetchAwaited() == AwaitedObjects())
            #expect(try await status(of: "evt_live", .live, in: world) == .awaiting)
        }
    }

    @Test("an object that Stripe refuses to give is told; the events behind it are handled, and it waits on")
    func refusedObject() async throws {
        try await SimulatedWorld.with("shop") { world in
            try world.addThinDestination()
            try await world.page("add-product", ["name": "Mug", "price": 1299], as: SimulatedWorld.admin)
            try await world.page("place-order", ["product": 1])
            let checkout = try await world.page("checkout", ["orderId": 1])
            try world.stripe.confirm(try #require(checkout.body["clientSecret"]?.stringValue), card: "pm_card_visa")
            let thin = world.stripe.takeHooks().filter { String(decoding: $0.body, as: UTF8.self).contains("v2.core") }
            try await world.deliver(thin)
            let all = try await world.awaiting()
            let transport = RefusingFirst(world.transport)
            let refusing = PaymentsReconciler(engine: world.engine, payments: world.payments, transport: transport)
            let awaited = try await refusing.fetchAwaited()
            #expect(awaited.refused.count == 1, "\(awaited)")
            #expect(awaited.refused.values.allSatisfy { $0.contains("with 403") }, "\(awaited)")
            #expect(all >= 2 && transport.asked == all)
            #expect(try await world.awaiting() == 1)
            #expect(try await reconciler(world).reconcile().problems.isEmpty)
            #expect(try await world.awaiting() == 0)
        }
    }

    /// Goal: one object that Stripe refuses delays no event that comes after it.
    ///
    /// Method: the service has been refused one; the clock stands still, and another event rings.
    @Test("an event that comes behind a refused object is fetched at once", .timeLimit(.minutes(5)))
    func behindRefused() async throws {
        try await SimulatedWorld.with("shop") { world in
            try world.addThinDestination()
            try await world.page("add-product", ["name": "Mug", "price": 1299], as: SimulatedWorld.admin)
            try await world.page("place-order", ["product": 1])
            let checkout = try await world.page("checkout", ["orderId": 1])
            try world.stripe.confirm(try #require(checkout.body["clientSecret"]?.stringValue), card: "pm_card_visa")
            let thin = world.stripe.takeHooks().filter { String(decoding: $0.body, as: UTF8.self).contains("v2.core") }
            try await world.deliver(thin)
            let all = try await world.awaiting()
            let transport = RefusingFirst(world.transport)
            let refusing = PaymentsReconciler(engine: world.engine, payments: world.payments, transport: transport)
            let fetch = ThinEventFetch(engine: world.engine, reconciler: refusing, logger: world.log.logger)
            let service = Task { try await fetch.run() }
            while try await world.awaiting() > 1 { await Task.yield() }
            try await file("not JSON", of: "evt_behind", in: world)
            while try await status(of: "evt_behind", in: world) != .ignored {
                fetch.ring()
                await Task.yield()
            }
            #expect(try await world.awaiting() == 1)
            #expect(transport.asked == all, "the refused one is not asked for again with each event")
            service.cancel()
            _ = await service.result
        }
    }

    @Test("who is told to stop asks for nothing more")
    func cancelled() async throws {
        try await SimulatedWorld.with("shop") { world in
            try await file("{}", of: "evt_1", in: world)
            let reconciler = reconciler(world)
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await reconciler.fetchAwaited()
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await status(of: "evt_1", in: world) == .awaiting)
        }
    }

    @Test("thin events alone carry a subscription from start to end, also when they come before Stripe's answer")
    func thinAlone() async throws {
        try await SimulatedWorld.with("subscriptions", events: ["balance.available"]) { world in
            try world.addThinDestination()
            try await SampleTests.subscribe(in: world)
            let reconciler = reconciler(world)
            try await world.finish(try await reconciler.fetchAwaited().runs)
            for _ in 0..<33 {
                try await world.advance(days: 1)
                try await world.finish(try await reconciler.fetchAwaited().runs)
            }
            #expect(try await world.column("status", of: "orders") == ["PAID", "PAID"])
            #expect(try await world.rows("payments").count == 2)
            #expect(try await world.column("status", of: "recurring_payments") == ["ACTIVE"])
        }
    }
}

extension SimulatedWorld {
    /// Makes an event destination with thin events, whose secret counts beside the first end point's.
    func addThinDestination() throws {
        let asked: Value = [
            "name": "thin", "type": "webhook_endpoint", "event_payload": "thin", "enabled_events": ["*"],
            "include": ["webhook_endpoint.signing_secret"],
            "webhook_endpoint": ["url": "https://shop.example.com/hooks/stripe"],
        ]
        let made = try stripe.call(
            "POST",
            "/v2/core/event_destinations",
            String(decoding: JSON.encode(asked), as: UTF8.self),
            type: "application/json"
        )
        let secret = try #require(made["webhook_endpoint"]?["signing_secret"]?.stringValue, "\(made)")
        secrets.set("stripe.test.webhookSecret", "\(PaymentsWorld.webhookSecret),\(secret)")
    }

    /// How many events wait for their object.
    func awaiting() async throws -> Int {
        try await engine.store.read { reader throws(StoreError) in
            try reader.deliveries(matching: DeliveryFilter(status: .awaiting)).count
        }
    }
}

extension SimulatedWorld {
    /// Moves both clocks; nothing is delivered.
    fileprivate func pass(seconds: Int64) {
        stripe.advance(bySeconds: seconds)
        clock.advance(by: .seconds(seconds))
    }
}

/// Reaches the world's simulator; the first answer about a subscription is held back while other things happen.
private final class SlowSubscription: Transport {
    private let world: any Transport
    private let before: @Sendable () -> Void
    private let meanwhile: @Sendable () async -> Void
    private let isFirst = Mutex(true)

    init(
        _ world: any Transport,
        before: @escaping @Sendable () -> Void,
        meanwhile: @escaping @Sendable () async -> Void
    ) {
        self.world = world
        self.before = before
        self.meanwhile = meanwhile
    }

    var wasAsked: Bool { isFirst.withLock { !$0 } }

    func send(_ request: OutsideRequest, mode: Mode) async -> TransportResult {
        guard request.path.hasPrefix("/v1/subscriptions/"), isFirst.withLock({ $0 }) else {
            return await world.send(request, mode: mode)
        }
        isFirst.withLock { $0 = false }
        before()
        let answer = await world.send(request, mode: mode)
        await meanwhile()
        return answer
    }
}

/// Reaches the world's simulator, and refuses what is asked first, as Stripe does with a key that may not read it.
private final class RefusingFirst: Transport {
    private let world: any Transport
    private let count = Mutex(0)

    init(_ world: any Transport) { self.world = world }

    var asked: Int { count.withLock { $0 } }

    func send(_ request: OutsideRequest, mode: Mode) async -> TransportResult {
        let number = count.withLock { count in
            count += 1
            return count
        }
        if number == 1 { return .answered(OutsideAnswer(status: 403, body: Array("{}".utf8))) }
        return await world.send(request, mode: mode)
    }
}
