import Connections
import Expressions
package import FlowEngine
import FlowLanguage

/// Compares what is recorded here with what Stripe has, and takes in what is missing through the same door as events.
///
/// Everything it does may be repeated and interrupted: an event that is known changes nothing, an object that agrees is
/// passed over. It reads from Stripe alone and never moves money.
package struct PaymentsReconciler: Sendable {
    /// As far back as Stripe lists events.
    package static let longest = Duration.seconds(30 * 86_400)
    /// Bounds one round: 1,000 pages of 100 events, and as many of what belongs to one object.
    private static let pagesMax = 1_000
    /// Events that are missing here, held until those before them are found: beyond, an older one may be taken in later.
    private static let eventsAtOnce = 2_000
    /// How long a page of Stripe's can be used, with what the clocks may differ by.
    private static let pageSeconds: Int64 = 86_400 + skewSeconds
    private static let skewSeconds: Int64 = 3_600
    /// Rows of a table looked at together; there may be millions.
    private static let rowsAtOnce = 200

    /// The types that change something here.
    ///
    /// Stripe takes up to 20 in one list. `charge.refund.updated` says the same as `refund.updated`.
    private static let eventTypes = [
        ["checkout.session.expired", "invoice.created"],
        [
            "payment_intent.processing", "payment_intent.requires_action", "payment_intent.payment_failed",
            "payment_intent.canceled", "payment_intent.succeeded", "charge.succeeded", "charge.updated",
            "charge.captured",
            "charge.refunded", "refund.created", "refund.updated", "refund.failed", "customer.subscription.created",
            "customer.subscription.updated", "customer.subscription.deleted", "customer.subscription.paused",
            "customer.subscription.resumed", "invoice.paid", "invoice.payment_failed", "invoice_payment.paid",
        ],
    ]

    private let engine: Engine
    private let payments: PaymentsFeature
    private let stripe: StripeReading

    /// - Parameters:
    ///   - engine: runs; what is found goes through its writer.
    ///   - payments: of an app with `payments:`.
    ///   - transport: reaches Stripe.
    package init(engine: Engine, payments: PaymentsFeature, transport: any Transport) {
        self.engine = engine
        self.payments = payments
        self.stripe = StripeReading(
            connection: payments.settings.declaration?.connection ?? "",
            mode: payments.mode,
            transport: transport,
            clock: engine.clock
        )
    }

    // MARK: Thin events

    /// Fetches the objects of the thin events that wait for them, oldest first, each once.
    /// - Parameter refused: Keys of `AwaitedObjects.refused` that are not asked for again.
    /// - Returns: the callback runs that followed, and what waits on because Stripe has an answer but no object.
    /// - Throws: when Stripe cannot be asked, or when cancelled; what is left waits on.
    package func fetchAwaited(passingOver refused: Set<String> = []) async throws -> AwaitedObjects {
        var awaited = AwaitedObjects()
        // What was asked for and waits on: those behind it must not, and it is not asked for again.
        var left = refused
        while true {
            let filter = DeliveryFilter(source: PaymentsFeature.source, status: .awaiting, limit: 100 + left.count)
            let page = try await engine.store.read { reader throws(StoreError) in
                try reader.deliveries(matching: filter)
            }
            let next = page.filter { !left.contains(Self.name(of: $0)) }
            guard !next.isEmpty else { return awaited }
            for delivery in next {
                try Task.checkCancellation()
                if try await !fetch(delivery, &awaited) { left.insert(Self.name(of: delivery)) }
            }
        }
    }

    private static func name(of delivery: Delivery) -> String { "\(delivery.account) \(delivery.eventID)" }

    /// - Returns: whether the delivery waits no more.
    private func fetch(_ delivery: Delivery, _ awaited: inout AwaitedObjects) async throws -> Bool {
        // Of the time when this runtime had the other mode's keys: these do not open its objects.
        guard delivery.mode == payments.mode else { return false }
        var object: StripeReading.Fetched?
        if case .pointer(let pointer) = StripeEvent(body: delivery.body)?.subject {
            do {
                object = try await stripe.object(at: pointer.path)
            } catch let failure as ReconciliationFailure where failure.isOfOneObject {
                awaited.refused[Self.name(of: delivery)] = "event \(delivery.eventID) waits for its object: \(failure)"
                return false
            }
        }
        let found = object
        let outcome = try await write { transaction, now throws(StoreError) in
            try payments.resolve(
                delivery,
                with: found?.object,
                askedAt: found?.askedAt ?? now,
                at: now,
                in: transaction
            )
        }
        if case .accepted(let started) = outcome { awaited.runs += started }
        return outcome != .awaiting && outcome != .duplicate
    }

    // MARK: Missed events

    /// Looks for events that never came and objects that moved on without one.
    /// - Parameter span: how far back; at most `longest`.
    /// - Returns: what was compared, missing and taken in.
    /// - Throws: `ReconciliationFailure` when Stripe cannot be asked; what was found until then is taken in.
    package func reconcile(since span: Duration = longest) async throws -> ReconciliationReport {
        var report = ReconciliationReport()
        let awaited = try await fetchAwaited()
        report.runs += awaited.runs
        report.problems += awaited.refused.values.sorted()
        let since = (engine.clock.now() - min(span, Self.longest))?.seconds ?? 0
        for types in Self.eventTypes { try await takeMissedEvents(types, since: since, &report) }
        try await compareIntents(since: since, &report)
        try await compareSubscriptions(&report)
        return report
    }

    private func takeMissedEvents(
        _ types: [String],
        since: Int64,
        _ report: inout ReconciliationReport
    ) async throws {
        let types = types.map { "types%5B%5D=\($0)" }.joined(separator: "&")
        var missed: [MissedEvent] = []
        let listing: Result<Void, any Error>
        do {
            try await eachItem(of: "/v1/events?limit=100&created%5Bgte%5D=\(since)&\(types)", &report) {
                event,
                report in
                report.eventsCompared += 1
                if let event = try await missing(event.object) { missed.append(event) }
                guard missed.count == Self.eventsAtOnce else { return }
                try await take(&missed, &report)
            }
            listing = .success(())
        } catch {
            listing = .failure(error)
        }
        try await take(&missed, &report)
        try listing.get()
    }

    /// What is missing of a list, oldest first: Stripe lists the newest first, and rows keep the order that they came in.
    private func take(_ missed: inout [MissedEvent], _ report: inout ReconciliationReport) async throws {
        for event in missed.reversed() { try await take(event, &report) }
        missed = []
    }

    private struct MissedEvent: Sendable {
        var event: StripeEvent
        var body: [UInt8]
    }

    /// Goes through a list of Stripe's, page by page; one that does not come to its end is a problem that the report names.
    private func eachItem(
        of list: String,
        _ report: inout ReconciliationReport,
        _ body: (StripeReading.Fetched, inout ReconciliationReport) async throws -> Void
    ) async throws {
        var after = ""
        for _ in 0..<Self.pagesMax {
            let page = try await stripe.list(list + after)
            for item in page.items { try await body(.init(object: item, askedAt: page.askedAt), &report) }
            guard page.hasMore else { return }
            guard let last = page.items.last?["id"]?.stringValue, StripeID.isID(last) else { break }
            after = "&starting_after=\(last)"
        }
        let path = list.prefix { $0 != "?" }
        report.problems.append("the list \(path) does not come to an end: what lies further back was not compared")
    }

    /// Nil for an event that is known, and for one that is not as Stripe sends it: the web hook would have refused it too.
    private func missing(_ value: Value) async throws -> MissedEvent? {
        guard let body = try? JSON.encode(value), let event = StripeEvent(body: body), event.mode == payments.mode
        else { return nil }
        // Nearly all are known; the writer's thread is for those that are not.
        let isKnown = try await engine.store.read { reader throws(StoreError) in
            try reader.delivery(
                source: PaymentsFeature.source,
                account: event.account,
                mode: event.mode,
                eventID: event.id
            ) != nil
        }
        return isKnown ? nil : MissedEvent(event: event, body: body)
    }

    private func take(_ missed: MissedEvent, _ report: inout ReconciliationReport) async throws {
        let (event, body) = (missed.event, missed.body)
        let outcome = try await write { transaction, now throws(StoreError) -> WebhookOutcome in
            let known = try transaction.delivery(
                source: PaymentsFeature.source,
                account: event.account,
                mode: event.mode,
                eventID: event.id
            )
            if known != nil { return .duplicate }
            return try payments.accept(event, body: body, startingFlowsOf: engine, at: now, in: transaction)
        }
        switch outcome {
        case .duplicate: return
        case .ignored where engine.flowsOfStripeEvents[event.type] == nil: return
        case .accepted(let runs):
            report.missedEvents.append(.init(id: event.id, type: event.type, object: event.object))
            report.runs += runs
        case .stale, .unmatched, .awaiting, .ignored:
            report.missedEvents.append(.init(id: event.id, type: event.type, object: event.object))
        }
    }

    // MARK: Objects

    /// Payments that can still change at Stripe, and the refunds of those that succeeded lately.
    private func compareIntents(since: Int64, _ report: inout ReconciliationReport) async throws {
        var last: Int64 = 0
        while true {
            let rows = try await rows(of: PaymentsTables.payments, behind: last)
            guard let end = rows.last?["id"]?.intValue else { return }
            for row in rows { try await compareIntent(row, since: since, &report) }
            last = end
        }
    }

    private func compareIntent(
        _ row: ValueMap,
        since: Int64,
        _ report: inout ReconciliationReport
    ) async throws {
        let payment = try PaymentRecord(row: row)
        guard payment.mode == payments.mode else { return }
        guard let intent = payment.intent else { return try await comparePage(of: payment, &report) }
        let isRecent = (row["createdAt"]?.timestampValue?.seconds ?? .max) >= since
        guard payment.status.isOpen || payment.refundPending > 0 || (payment.status == .succeeded && isRecent)
        else { return }
        report.objectsCompared += 1
        let path = "/v1/payment_intents/\(intent)?expand%5B%5D=latest_charge"
        guard let fetched = try await stripe.object(at: path) else {
            report.problems.append("payment \(payment.id): Stripe has no \(intent)")
            return
        }
        let object = fetched.object
        if let event = StripeEvent(observing: object, id: "evt_x", mode: payment.mode, at: 0),
            case .payment(_, let status) = event.subject, status.rank > payment.status.rank
        {
            try await observe(fetched, "payment \(payment.id) is \(status.rawValue)", &report)
        }
        guard object["latest_charge"]?["amount_refunded"]?.intValue != payment.refunded || payment.refundPending > 0
        else { return }
        try await compareRefunds(of: payment, intent, &report)
    }

    /// A payment on a page of Stripe's whose intent was never told: the page is found by what we wrote into it.
    private func comparePage(of payment: PaymentRecord, _ report: inout ReconciliationReport) async throws {
        let end = payment.createdAt + Self.pageSeconds
        // While the page can be used, its events are among those that were listed.
        guard payment.isCheckout, payment.status.isOpen, engine.clock.now().seconds > end else { return }
        report.objectsCompared += 1
        let times = "created%5Bgte%5D=\(payment.createdAt - Self.skewSeconds)&created%5Blte%5D=\(end)"
        let problems = report.problems.count
        var pages: [StripeReading.Fetched] = []
        try await eachItem(of: "\(CreateCheckoutSession.path)?limit=100&\(times)", &report) { page, _ in
            let number = page.object["metadata"]?["runnel_payment"]
            if number == .string("\(payment.id)"), page.object["amount_total"] == .int(payment.amount) {
                pages.append(page)
            }
        }
        for page in pages {
            if let intent = StripeID.expandable(page.object["payment_intent"]),
                let fetched = try await stripe.object(at: "/v1/payment_intents/\(intent)")
            {
                try await observe(fetched, "payment \(payment.id) was begun on its page", &report)
            }
            try await observe(page, "the page of payment \(payment.id) is over", &report)
        }
        // A list that was not read to its end does not say that there is none.
        guard pages.isEmpty, report.problems.count == problems else { return }
        try await write { transaction, _ throws(StoreError) in
            try PaymentLedger(transaction).close(payment, failureCode: "session_missing")
        }
        report.repairs.append("payment \(payment.id): Stripe made no page for it")
    }

    private func compareRefunds(
        of payment: PaymentRecord,
        _ intent: String,
        _ report: inout ReconciliationReport
    ) async throws {
        try await eachItem(of: "/v1/refunds?limit=100&payment_intent=\(intent)", &report) { fetched, report in
            guard let refund = StripeRefund(fetched.object), let status = RefundStatus(stripe: refund.status) else {
                return
            }
            report.objectsCompared += 1
            let known = try await engine.store.read { reader throws(StoreError) in
                try reader.find(
                    RecordQuery(
                        table: PaymentsTables.refunds.name,
                        where: [ResolvedCondition("refund", equals: .string(refund.id))],
                        limit: 1
                    )
                ).first
            }
            if let known, status.rank <= (try RefundRecord(row: known)).status.rank { return }
            try await observe(fetched, "refund \(refund.id) of payment \(payment.id) is \(status.rawValue)", &report)
        }
    }

    private func compareSubscriptions(_ report: inout ReconciliationReport) async throws {
        var last: Int64 = 0
        while true {
            let rows = try await rows(of: PaymentsTables.recurringPayments, behind: last)
            guard let end = rows.last?["id"]?.intValue else { return }
            for row in rows { try await compareSubscription(row, &report) }
            last = end
        }
    }

    private func compareSubscription(_ row: ValueMap, _ report: inout ReconciliationReport) async throws {
        let recurring = try RecurringRecord(row: row)
        guard recurring.mode == payments.mode, recurring.status != .cancelled,
            let id = recurring.subscription
        else { return }
        report.objectsCompared += 1
        guard let fetched = try await stripe.object(at: "/v1/subscriptions/\(id)") else {
            report.problems.append("recurring payment \(recurring.id): Stripe has no \(id)")
            return
        }
        if let subscription = StripeSubscription(fetched.object), !recurring.agrees(with: subscription) {
            try await observe(fetched, "recurring payment \(recurring.id) is \(subscription.status)", &report)
        }
        try await compareInvoices(of: recurring, id, &report)
    }

    private func compareInvoices(
        of recurring: RecurringRecord,
        _ subscription: String,
        _ report: inout ReconciliationReport
    ) async throws {
        let list = "/v1/invoices?limit=100&status=paid&subscription=\(subscription)"
        var invoices: [(fetched: StripeReading.Fetched, invoice: StripeInvoice)] = []
        try await eachItem(of: list, &report) { fetched, report in
            guard let invoice = StripeInvoice(fetched.object) else { return }
            report.objectsCompared += 1
            invoices.append((fetched, invoice))
        }
        // Stripe lists the newest first; the first period is to come before what followed it.
        for (fetched, invoice) in invoices.reversed() {
            let known = try await engine.store.read { reader throws(StoreError) in
                try reader.find(
                    RecordQuery(
                        table: PaymentsTables.payments.name,
                        where: [ResolvedCondition("key", equals: .string(PaymentsFeature.key(of: invoice.id)))],
                        limit: 1
                    )
                ).first
            }
            if known == nil, invoice.amountPaid > 0 {
                let what = "invoice \(invoice.id) of recurring payment \(recurring.id) is paid"
                try await observe(fetched, what, &report)
            }
            guard invoice.amountPaid > 0, known?["intent"]?.stringValue == nil else { continue }
            try await eachItem(of: "/v1/invoice_payments?limit=100&invoice=\(invoice.id)", &report) { link, report in
                try await observe(link, "the intent of invoice \(invoice.id)", &report)
            }
        }
    }

    private func observe(
        _ fetched: StripeReading.Fetched,
        _ what: String,
        _ report: inout ReconciliationReport
    ) async throws {
        guard let id = StripeID.expandable(fetched.object) else { return }
        let outcome = try await write { transaction, now throws(StoreError) in
            // The second is part of the name: what went back and forth is told each time.
            try payments.observe(
                fetched.object,
                id: "evt_\(id)_seen_\(now.seconds)",
                askedAt: fetched.askedAt,
                at: now,
                in: transaction
            )
        }
        guard case .accepted(let runs) = outcome else { return }
        report.repairs.append(what)
        report.runs += runs
    }

    /// The next rows behind an id, oldest first.
    private func rows(of table: Table, behind id: Int64) async throws -> [ValueMap] {
        let query = RecordQuery(
            table: table.name,
            where: [ResolvedCondition("id", .gt, .value(.int(id)))],
            limit: Self.rowsAtOnce
        )
        return try await engine.store.read { reader throws(StoreError) in try reader.find(query) }
    }

    private func write<Result: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction, Timestamp) throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        let now = engine.clock.now()
        return try await engine.write { transaction throws(StoreError) in try body(transaction, now) }
    }
}
