import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// The e-mails that `confirm-payment-intent` sends on request: a receipt to the customer, a notification to the seller.
struct PaymentEmails {
    let settings: PaymentsSettings
    let call: CommandCall
    private let connection: ConnectionDeclaration

    /// Nil when the call wants no e-mail.
    /// - Throws: `Refusal` when the parameters break a rule or the connection cannot send.
    init?(_ call: CommandCall, _ settings: PaymentsSettings) throws(Refusal) {
        try Self.check(call.data)
        guard let name = call.data["sgInstName"]?.stringValue else { return nil }
        guard let connection = settings.connections[name], connection.service == "sendgrid" else {
            throw Refusal(
                code: "email_parameters",
                message: "`sgInstName` names a SendGrid connection; '\(name.prefix(64))' is none",
                param: "sgInstName"
            )
        }
        self.settings = settings
        self.call = call
        self.connection = connection
        guard call.mode == .test || hasKey else {
            throw Refusal(
                code: "email_key_missing",
                message:
                    "no key is set: `runnel secrets set \(SendGridCredentials.keyName(of: name, mode: call.mode))`",
                param: "sgInstName",
                retryable: true
            )
        }
    }

    private var hasKey: Bool { settings.emails.key(of: connection.name, mode: call.mode) != nil }
    var wantsReceipt: Bool { call.data["emailCust"]?.boolValue == true }

    /// Confirmed is not paid: what is authorised, or under way, may never come in.
    private func isPaid(_ intent: StripePaymentIntent) -> Bool { intent.status == "succeeded" }

    /// The rules between the optional parameters.
    private static func check(_ data: ValueMap) throws(Refusal) {
        let refusal = { (parameter: String, message: String) in
            Refusal(code: "email_parameters", message: message, param: parameter)
        }
        let isGiven = { (name: String) in (data[name] ?? .null) != .null && data[name] != .bool(false) }
        guard isGiven("sgInstName") else {
            for name in ["notfnEmail", "emailCust", "sendNotfn"] where isGiven(name) {
                throw refusal(name, "`\(name)` is valid only with `sgInstName`")
            }
            return
        }
        guard data["sendNotfn"]?.boolValue == true else {
            if isGiven("notfnEmail") {
                throw refusal("notfnEmail", "`notfnEmail` is valid only with `sendNotfn: true`")
            }
            return
        }
        guard let address = data["notfnEmail"]?.stringValue else {
            throw refusal("sendNotfn", "`sendNotfn: true` needs `notfnEmail`")
        }
        guard EmailAddress.isValid(address) else {
            throw refusal("notfnEmail", "`notfnEmail` is not an e-mail address")
        }
    }

    /// The next request, or nil when every e-mail has been seen to; e-mails that are new go into the outbox first.
    func next(
        _ intent: StripePaymentIntent,
        _ payment: PaymentRecord,
        after request: OutsideRequest,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> OutsideRequest? {
        let outbox = outbox(transaction)
        // One that was refused is taken up by a later call, not by this one again.
        let tried = call.exchanges.map(\.request.body) + [request.body]
        for entry in entries(intent, payment) where entry.mail.fault == nil {
            if let body = entry.mail.body, tried.contains(body) { continue }
            let isNew = try outbox.put(entry, hasKey: hasKey)
            let isDue = try outbox.isDue(entry)
            if isNew || isDue { return entry.mail.request(through: connection.name) }
        }
        return nil
    }

    /// Notes what became of the e-mail that `request` carried.
    func settle(
        _ request: OutsideRequest,
        _ answer: OutsideAnswer,
        _ intent: StripePaymentIntent,
        _ payment: PaymentRecord,
        in transaction: any StoreTransaction
    ) throws(StoreError) {
        let isSent = (200..<300).contains(answer.status)
        for entry in entries(intent, payment) where entry.mail.body == request.body {
            try outbox(transaction).settle(entry, failureCode: isSent ? nil : SendGridMail.failure(from: answer).code)
        }
    }

    /// What became of each, for the output: `{purpose, state}`.
    func states(
        _ intent: StripePaymentIntent,
        _ payment: PaymentRecord,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> [Value] {
        var states: [Value] = []
        // Confirming again once the money is there sends it.
        if wantsReceipt, !isPaid(intent) { states.append(["purpose": "receipt", "state": "not-paid"]) }
        for entry in entries(intent, payment) {
            let state = try outbox(transaction).state(of: entry)?.rawValue ?? "no-address"
            states.append(["purpose": .string(entry.purpose), "state": .string(state)])
        }
        return states
    }

    private func outbox(_ transaction: any StoreTransaction) -> EmailOutbox {
        EmailOutbox(transaction, connection: connection.name, mode: call.mode, owner: call.address.run)
    }

    private func entries(_ intent: StripePaymentIntent, _ payment: PaymentRecord) -> [EmailOutbox.Entry] {
        var entries: [EmailOutbox.Entry] = []
        let from = connection.settings["from"]?.stringValue ?? ""
        let add = { (purpose: String, to: String, subject: String, text: String) in
            let content = SendGridMail.Content.text(subject: subject, text: text, html: nil)
            let mail = SendGridMail(from: from, to: to, content: content)
            entries.append(EmailOutbox.Entry(purpose: purpose, object: intent.id, mail: mail))
        }
        // Of an authorisation a part can be taken.
        let money = isPaid(intent) ? Money(intent.amountReceived, intent.currency) : payment.money
        if wantsReceipt, isPaid(intent) {
            let text = "Thank you. We have received your payment of \(money) for order \(payment.orderID).\n"
            add(
                "receipt",
                intent.receiptEmail ?? intent.billingEmail ?? "",
                "Your receipt from \(settings.appName)",
                text
            )
        }
        if call.data["sendNotfn"]?.boolValue == true, let address = call.data["notfnEmail"]?.stringValue {
            let text = "Order \(payment.orderID): payment \(payment.id) of \(money) is \(intent.status).\n"
            add("notification", address, "Payment for order \(payment.orderID)", text)
        }
        return entries
    }
}
