@testable import StripeSimulator

/// What tests of billing do again and again.
extension Desk {
    static let day: Int64 = 86_400

    mutating func advance(days: Int64) { advance(seconds: days * Self.day) }

    /// A customer, with a card as the default where one is named.
    mutating func customer(card: String? = "pm_card_visa") -> String {
        let customer = post("/v1/customers").id
        if let card { setCard(card, of: customer) }
        return customer
    }

    mutating func setCard(_ card: String, of customer: String) {
        let method = post("/v1/payment_methods/\(card)/attach", "customer=\(customer)").id
        post("/v1/customers/\(customer)", "invoice_settings[default_payment_method]=\(method)")
    }

    mutating func price(_ amount: Int64, _ interval: String = "month", currency: String = "usd") -> String {
        post(
            "/v1/prices",
            "product_data[name]=Plan&currency=\(currency)&unit_amount=\(amount)&recurring[interval]=\(interval)"
        ).id
    }

    @discardableResult
    mutating func subscribe(_ customer: String, _ price: String, _ more: String = "") -> JSONObject {
        post("/v1/subscriptions", "customer=\(customer)&items[0][price]=\(price)" + (more.isEmpty ? "" : "&\(more)"))
    }

    /// The invoices of a subscription, oldest first.
    mutating func invoices(of subscription: String) -> [JSONObject] {
        get("/v1/invoices", "subscription=\(subscription)&limit=100").data().reversed()
    }

    mutating func totals(of subscription: String) -> [Int64] {
        invoices(of: subscription).compactMap { $0.int("total") }
    }

    mutating func subscription(_ id: String) -> JSONObject { get("/v1/subscriptions/\(id)") }

    /// The period of a subscription's first item, in days from the beginning.
    static func period(of subscription: JSONObject) -> [Int64] {
        let item = Ledger.items(of: subscription).first ?? [:]
        return ["current_period_start", "current_period_end"]
            .map { ((item.int($0) ?? 0) - Desk.start.seconds) / Self.day }
    }
}
