// The page of a Checkout Session as the scenarios of stripe-cli pay it; not among Stripe's documented operations.
extension Ledger {
    static let paymentPageRoutes: [Route] = [
        .get("payment_pages/:id") { ledger, call throws(StripeError) in
            paymentPage(of: try ledger.require(.checkoutSession, call.id))
        },
        .post(
            "payment_pages/:id/confirm",
            "payment_method:s! expected_amount:i expected_payment_method_type:s return_url:s"
        ) { ledger, call throws(StripeError) in
            let session = try ledger.require(.checkoutSession, call.id)
            if let expected = call.int("expected_amount"), expected != session.int("amount_total") ?? 0 {
                throw StripeError.invalid("expected_amount", "The Checkout Session is not about the expected amount.")
            }
            guard let id = try ledger.takePaymentMethod(call, customer: session.string("customer")) else {
                throw StripeError.missingParameter("payment_method")
            }
            let email = ledger.find(.paymentMethod, id)?.value(at: "billing_details", "email")?.string
            try ledger.paySession(session, method: id, email: email)
            return paymentPage(of: try ledger.require(.checkoutSession, call.id))
        },
    ]

    private static func paymentPage(of session: JSONObject) -> JSONObject {
        let total = session["amount_total"] ?? .null
        return [
            "id": .string("ppage_1" + session.id.suffix(20)), "object": "payment_page",
            "currency": session["currency"] ?? .null, "line_item_group": ["total": total],
            "livemode": session["livemode"] ?? false, "payment_status": session["payment_status"] ?? .null,
            "session_id": .string(session.id), "status": session["status"] ?? .null,
        ]
    }
}
