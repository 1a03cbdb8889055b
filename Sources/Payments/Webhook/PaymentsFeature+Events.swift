import Connections
package import Expressions
package import FlowEngine
import FlowLanguage

/// What became of an event that was let in: all of these are answered with 200.
package enum WebhookOutcome: Sendable, Hashable {
    /// It changed something, or started callback runs.
    case accepted(runs: [RunID])
    /// It was here before: counted, without effect.
    case duplicate
    /// Nothing in this app waits for it.
    case ignored
    /// It came too late to change anything.
    case stale
    /// It names an object that is not known here; looked at again when the object appears.
    case unmatched
    /// It names an object without telling of it: that is fetched from Stripe next.
    case awaiting

    var status: Delivery.Status {
        switch self {
        case .accepted, .duplicate: .accepted
        case .ignored: .ignored
        case .stale: .stale
        case .unmatched: .unmatched
        case .awaiting: .awaiting
        }
    }

    var firstRun: RunID? {
        if case .accepted(let runs) = self { runs.first } else { nil }
    }
}

extension PaymentsFeature {
    /// Takes an event in: its row, what it changes, and the runs that follow, in the caller's one transaction.
    /// - Parameters:
    ///   - event: as `StripeWebhook.receive` gave it.
    ///   - body: the raw bytes, kept as they came.
    ///   - now: when it came.
    ///   - transaction: of `Engine.write`; the delivery may be answered once that has returned.
    /// - Returns: what became of it; every outcome is answered with 200.
    /// - Throws: as the transaction does; nothing of the event is stored then.
    package func accept(
        _ event: StripeEvent,
        body: [UInt8],
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> WebhookOutcome {
        var delivery = Delivery(
            source: Self.source,
            account: event.account,
            mode: event.mode,
            eventID: event.id,
            type: event.type,
            object: event.object,
            receivedAt: now,
            body: body
        )
        // Most that Stripe tells concerns nothing here, and then the row itself tells a repetition.
        if isOfNoConcern(event) {
            delivery.status = .ignored
            return try transaction.recordDelivery(delivery) ? .ignored : .duplicate
        }
        // Looked up before, since a row with a body is written once more cheaply than twice.
        guard try !transaction.hasDelivery(delivery) else {
            _ = try transaction.recordDelivery(delivery)
            return .duplicate
        }
        let outcome = try apply(event, at: now, in: transaction)
        delivery.status = outcome.status
        delivery.run = outcome.firstRun
        _ = try transaction.recordDelivery(delivery)
        return outcome
    }

    /// Takes an event in and starts the app's own flows that wait for its type (`trigger: { stripe: […] }`), once.
    ///
    /// Every door for Stripe's events goes through here: what is known of one may not depend on the way it came.
    package func accept(
        _ event: StripeEvent,
        body: [UInt8],
        startingFlowsOf engine: Engine,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> WebhookOutcome {
        let outcome = try accept(event, body: body, at: now, in: transaction)
        guard outcome != .duplicate else { return outcome }
        try engine.startFlows(onStripe: event.type, event: event.value, at: now, in: transaction)
        return outcome
    }

    /// Looks again at the events that came before their object was known here.
    func adoptDeliveries(
        object: String,
        mode: Mode,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) {
        // An object has a handful of events; whoever can send more with a valid signature is Stripe itself.
        let filter = DeliveryFilter(source: Self.source, object: object, status: .unmatched, limit: 200)
        var seen: Set<String> = []
        // Asked for anew each time: a payment's success adopts its refunds, and what is settled keeps the run it started.
        while let delivery = try transaction.deliveries(matching: filter).first(where: {
            $0.mode == mode && !seen.contains($0.eventID)
        }) {
            seen.insert(delivery.eventID)
            guard let event = StripeEvent(body: delivery.body) else { continue }
            _ = try settle(event, at: now, in: transaction)
        }
    }

    private func settle(
        _ event: StripeEvent,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> WebhookOutcome {
        let outcome = try apply(event, at: now, in: transaction)
        try transaction.settleDelivery(
            source: Self.source,
            account: event.account,
            mode: event.mode,
            eventID: event.id,
            status: outcome.status,
            run: outcome.firstRun
        )
        return outcome
    }

    /// Connected accounts have payments of their own; none of ours is made there.
    private func isOfNoConcern(_ event: StripeEvent) -> Bool {
        if case .other = event.subject { return true }
        return settings.declaration == nil || !event.account.isEmpty
    }

    private func apply(
        _ event: StripeEvent,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> WebhookOutcome {
        guard !isOfNoConcern(event) else { return .ignored }
        switch event.subject {
        case .payment(let intent, let status):
            return try apply(intent, status, event, at: now, in: transaction)
        case .charge(let charge):
            return try apply(charge, event, at: now, in: transaction)
        case .refund(let refund):
            return try apply(refund, event, at: now, in: transaction)
        case .subscription(let subscription, let change):
            return try apply(subscription, change, event, at: now, in: transaction)
        case .invoice(let invoice, let isPaid):
            return try apply(invoice, isPaid: isPaid, event, at: now, in: transaction)
        case .draft(let invoice):
            return try announce(invoice, event, at: now, in: transaction)
        case .invoicePayment(let link):
            return try apply(link, event, at: now, in: transaction)
        case .expiredSession(let metadata):
            return try closeSession(metadata, event, in: transaction)
        case .pointer(let pointer):
            return try isKnown(pointer, mode: event.mode, in: transaction) ? .awaiting : .unmatched
        case .other:
            return .ignored
        }
    }

    private func apply(
        _ intent: StripePaymentIntent,
        _ status: PaymentStatus,
        _ event: StripeEvent,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> WebhookOutcome {
        let ledger = PaymentLedger(transaction)
        var found = try ledger.payment(intent: intent.id, mode: event.mode)
        let isFirstSight = found == nil
        if isFirstSight { found = try checkoutPayment(of: intent, at: now, in: transaction) }
        guard let payment = found else { return .unmatched }
        let report = PaymentReport(
            status: status,
            at: event.created,
            // An amount in another currency must not count towards what can be refunded.
            received: intent.currency == payment.currency ? intent.amountReceived : 0,
            charge: intent.latestCharge,
            customer: intent.customer,
            failureCode: status == .failed ? intent.lastErrorCode : nil
        )
        guard try ledger.apply(report, to: payment) else { return .stale }
        // A payment that has only now succeeded has its charge from the report.
        if status == .succeeded, payment.status == .succeeded, let charge = intent.latestCharge {
            _ = try ledger.fill(charge: charge, of: payment)
        }
        var runs: [RunID] = []
        // A recurring payment's charges have a callback of their own, on their invoice.
        if status.startsCallback, payment.recurringPaymentID == nil {
            let claim = CallbackClaim(object: intent.id, transition: status.rawValue)
            let lane = "payment:\(intent.id)"
            runs = try start(.paymentCompleted, claim, lane: lane, event: event.value, at: now, in: transaction)
        }
        // Its refunds may have been told of first; their flows follow the payment's in its lane.
        if status == .succeeded, isFirstSight || payment.status != .succeeded {
            try adoptDeliveries(object: intent.id, mode: event.mode, at: now, in: transaction)
        }
        return .accepted(runs: runs)
    }

    private func apply(
        _ charge: StripeCharge,
        _ event: StripeEvent,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> WebhookOutcome {
        guard let intent = charge.paymentIntent else { return .ignored }
        let ledger = PaymentLedger(transaction)
        guard let payment = try ledger.payment(intent: intent, mode: event.mode) else { return .unmatched }
        var hasChanged = false
        // A declined charge is not the payment's charge; the one that succeeds is.
        if charge.status == "succeeded" { hasChanged = try ledger.fill(charge: charge.id, of: payment) }
        guard charge.refunds.isEmpty || payment.status == .succeeded else { return .unmatched }
        var runs: [RunID] = []
        for refund in charge.refunds where refund.paymentIntent ?? intent == intent {
            guard case .accepted(let started) = try apply(refund, of: payment, event, at: now, in: transaction) else {
                continue
            }
            hasChanged = true
            runs += started
        }
        return hasChanged ? .accepted(runs: runs) : .ignored
    }

    private func apply(
        _ refund: StripeRefund,
        _ event: StripeEvent,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> WebhookOutcome {
        guard let intent = refund.paymentIntent else { return .ignored }
        guard let payment = try PaymentLedger(transaction).payment(intent: intent, mode: event.mode) else {
            return .unmatched
        }
        return try apply(refund, of: payment, event, at: now, in: transaction)
    }

    private func apply(
        _ refund: StripeRefund,
        of payment: PaymentRecord,
        _ event: StripeEvent,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> WebhookOutcome {
        guard let status = RefundStatus(stripe: refund.status), refund.currency == payment.currency else {
            return .ignored
        }
        // Told before the payment's success: looked at again then, so that what follows comes after what it undoes.
        guard payment.status == .succeeded else { return .unmatched }
        let ledger = RefundLedger(transaction)
        let row = try row(for: refund, of: payment, ledger)
        guard try ledger.apply(status, to: row, failureCode: refund.failureReason) else { return .stale }
        guard status.startsCallback else { return .accepted(runs: []) }
        let claim = CallbackClaim(object: refund.id, transition: status.rawValue)
        var lane = "payment:\(payment.intent ?? refund.id)"
        // Behind what the charge itself set going: else its order could be marked paid after it was refunded.
        if let id = payment.recurringPaymentID,
            let subscription = try RecurringLedger(transaction).recurring(id: id)?.subscription
        {
            lane = Self.lane(ofSubscription: subscription)
        }
        return .accepted(
            runs: try start(.refundCompleted, claim, lane: lane, event: event.value, at: now, in: transaction)
        )
    }

    /// The refund's row: known by its id, or by our own number while the answer to our request is still under way, or
    /// a new one for a refund made elsewhere.
    private func row(
        for refund: StripeRefund,
        of payment: PaymentRecord,
        _ ledger: RefundLedger
    ) throws(StoreError) -> RefundRecord {
        if let known = try ledger.refund(stripeID: refund.id) { return known }
        if refund.metadata["runnel_installation"] == .string(try Installation.name(in: ledger.transaction)),
            let number = refund.metadata["runnel_refund"]?.stringValue.flatMap({ Int64($0) }),
            let ours = try ledger.refund(id: number), ours.paymentID == payment.id, ours.amount == refund.amount,
            // One that was said not to be made, and was all the same, counts as made elsewhere: a failure is final.
            ours.refund == nil, ours.status != .failed, try ledger.attach(stripeID: refund.id, to: ours)
        {
            return ours
        }
        return try ledger.adopt(stripeID: refund.id, amount: refund.amount, reason: refund.reason, of: payment)
    }

    /// Starts the app's flows of a trigger for a change that none of them has a row for yet.
    func start(
        _ trigger: CallbackTrigger,
        _ claim: CallbackClaim,
        lane: String,
        event: Value,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> [RunID] {
        var runs: [RunID] = []
        for flow in flows[trigger] ?? [] {
            guard try CallbackClaims(transaction).open(claim, flow: flow.name) else { continue }
            let start = RunStart(
                flow: flow.name,
                version: flow.version,
                origin: .callback,
                trigger: .map(["event": event, "claim": claim.value]),
                caller: .system,
                mode: mode,
                lane: lane
            )
            runs.append(try transaction.insertRun(start, at: now))
        }
        return runs
    }
}
