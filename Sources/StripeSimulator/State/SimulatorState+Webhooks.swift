import Crypto
import Foundation

/// A web hook ready to be sent.
struct OutgoingWebhook: Sendable, Equatable {
    let ledger: SimulatorState.LedgerKey
    let number: Int64
    let url: String
    let headers: [(name: String, value: String)]
    let body: [UInt8]

    static func == (left: Self, right: Self) -> Bool {
        left.ledger == right.ledger && left.number == right.number && left.url == right.url && left.body == right.body
            && left.headers.map(\.value) == right.headers.map(\.value)
    }
}

extension SimulatorState {
    /// The earliest moment at which a web hook or a task of Stripe's own is due.
    var nextDue: SimulatorInstant? {
        ledgers.values.compactMap { ledger in
            [ledger.deliveries.nextDue, ledger.schedules[""]?.nextDue].compactMap { $0 }.min()
        }.min()
    }

    /// Takes the web hooks due now, signed at this moment; each must be reported later.
    mutating func takeDueWebhooks(limit: Int) -> [OutgoingWebhook] {
        var result: [OutgoingWebhook] = []
        for key in keysInOrder {
            guard var ledger = ledgers[key] else { continue }
            ledgers[key] = nil
            for delivery in ledger.deliveries.takeDue(by: clock.now, limit: limit - result.count) {
                if !delivery.isFaulted, delivery.attempts.isEmpty,
                    let fault = faults.takeWebhook(type: delivery.type, generator: &generator),
                    !Self.apply(fault, to: delivery, in: &ledger)
                {
                    continue
                }
                if let webhook = Self.webhook(delivery, key, signedAt: clock.sendingTime.seconds, ledger) {
                    result.append(webhook)
                } else {
                    _ = ledger.deliveries.finish(delivery.number, as: .dropped)
                }
            }
            ledgers[key] = ledger
        }
        return result
    }

    /// Takes notice of what became of a web hook; 2xx is success, everything else is tried again by the schedule.
    mutating func report(_ webhook: OutgoingWebhook, status: Int?, failure: String?) {
        guard var ledger = ledgers[webhook.ledger] else { return }
        ledgers[webhook.ledger] = nil
        defer { ledgers[webhook.ledger] = ledger }
        let now = clock.now
        ledger.deliveries.change(webhook.number) { delivery in
            delivery.attempts.append(.init(at: now, status: status, failure: failure))
        }
        guard let delivery = ledger.deliveries.active[webhook.number] else { return }
        if let status, (200..<300).contains(status) {
            ledger.settleDelivery(delivery, as: .delivered)
            return
        }
        let elapsed = now.seconds - (delivery.attempts.first?.at.seconds ?? now.seconds)
        guard
            let pause = settings.retries.pause(
                afterFailures: delivery.attempts.count,
                sinceFirstSeconds: elapsed
            )
        else {
            ledger.settleDelivery(delivery, as: .abandoned)
            return
        }
        ledger.deliveries.change(webhook.number) { delivery in
            delivery.state = .waiting
            delivery.due = now.adding(seconds: pause)
        }
    }

    /// Applies a fault to a first delivery.
    ///
    /// Answers whether it is still to be sent now.
    private static func apply(
        _ fault: FaultRules.Rule,
        to delivery: DeliveryQueue.Delivery,
        in ledger: inout Ledger
    ) -> Bool {
        switch fault.action {
        case .duplicate:
            ledger.deliveries.add(
                event: delivery.event,
                type: delivery.type,
                endpoint: delivery.endpoint,
                at: delivery.due,
                isFaulted: true
            )
            return true
        case .drop:
            ledger.settleDelivery(delivery, as: .dropped)
            return false
        case .delay, .reorder:
            let pause = fault.action == .reorder ? max(fault.delayMilliseconds, 300) : fault.delayMilliseconds
            ledger.deliveries.change(delivery.number) { delivery in
                delivery.state = .waiting
                delivery.isFaulted = true
                delivery.due = delivery.due.adding(milliseconds: pause)
            }
            return false
        default: return true
        }
    }

    private static func webhook(
        _ delivery: DeliveryQueue.Delivery,
        _ key: LedgerKey,
        signedAt time: Int64,
        _ ledger: Ledger
    ) -> OutgoingWebhook? {
        guard let endpoint = ledger.endpoint(delivery.endpoint), endpoint.status == "enabled",
            var event = ledger.find(.event, delivery.event),
            let url = endpoint.string("url") ?? endpoint.string("_url")
        else { return nil }
        if endpoint.string("event_payload") == "thin" {
            event = Ledger.thin(event)
        } else if let text = endpoint.string("api_version") ?? endpoint.string("snapshot_api_version"),
            let version = APIVersion(text), version < ledger.accountVersion
        {
            event["api_version"] = .string(version.text)
            if let object = event.value(at: "data", "object") {
                event.update("data") { $0["object"] = ledger.downgraded(object, to: version, depth: 0) }
            }
        }
        let body = JSONPrinter.bytes(of: .object(event))
        let secrets = [endpoint.string("_secret"), ledger.olderSecret(of: endpoint)].compactMap { $0 }
        return OutgoingWebhook(
            ledger: key,
            number: delivery.number,
            url: url,
            headers: [
                ("Content-Type", "application/json; charset=utf-8"), ("Accept", "*/*; q=0.5, application/xml"),
                ("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)"), ("Cache-Control", "no-cache"),
                ("Stripe-Signature", signature(of: body, at: time, secrets: secrets)),
            ],
            body: body
        )
    }

    /// `t=…,v1=…[,v1=…]`: HMAC-SHA256 over `t.body`, the key being the whole `whsec_…` text (facts §7).
    static func signature(of body: [UInt8], at time: Int64, secrets: [String]) -> String {
        let signed = Array("\(time).".utf8) + body
        let parts = secrets.map { secret in
            let code = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: Array(secret.utf8)))
            return "v1=" + code.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        }
        return (["t=\(time)"] + parts).joined(separator: ",")
    }
}

extension Ledger {
    /// Ends a delivery and lowers the event's count of web hooks still to come.
    mutating func settleDelivery(_ delivery: DeliveryQueue.Delivery, as state: DeliveryQueue.State) {
        _ = deliveries.finish(delivery.number, as: state)
        update(.event, delivery.event) { event in
            event["pending_webhooks"] = .int(max(0, (event.int("pending_webhooks") ?? 1) - 1))
        }
    }

    /// The secret before a roll, while it still counts.
    func olderSecret(of endpoint: JSONObject) -> String? {
        guard let secret = endpoint.string("_old_secret"), let expires = endpoint.int("_old_secret_expires"),
            expires > now.seconds
        else { return nil }
        return secret
    }
}
