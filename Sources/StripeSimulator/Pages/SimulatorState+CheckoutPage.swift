// The page on which a Checkout Session is paid.
extension SimulatorState {
    private func session(_ request: SimulatorRequest) -> (LedgerKey, JSONObject)? {
        let id = String(request.path.dropFirst("/c/pay/".count).prefix(80))
        for (key, ledger) in ledgers {
            if let session = ledger.find(.checkoutSession, id) { return (key, session) }
        }
        return nil
    }

    func checkoutPage(_ request: SimulatorRequest, failure: String?) -> SimulatorResponse {
        guard let (_, session) = session(request), session.status == "open" else {
            return Self.html("Checkout", "<p>This page has expired or was paid.</p>", status: 404)
        }
        let lines = (session.array("_line_items") ?? []).compactMap(\.object).map { line in
            let price = Currency.formatted(line.int("amount_total") ?? 0, line.string("currency") ?? "usd")
            let name = Self.escaped(line.string("description") ?? "")
            return "<li>\(line.int("quantity") ?? 1) × \(name): \(Self.escaped(price))</li>"
        }
        let total = session.int("amount_total").map { Currency.formatted($0, session.string("currency") ?? "usd") }
        let alert = failure.map { "<p role=\"alert\">\(Self.escaped($0))</p>" } ?? ""
        let cancel = session.string("cancel_url").map { "<a href=\"\(Self.escaped($0))\">Back</a>" } ?? ""
        return Self.html(
            "Checkout",
            """
            <h1>Checkout</h1><ul>\(lines.joined())</ul><p>\(Self.escaped(total ?? ""))</p>\(alert)
            <form method="post"><label>E-mail <input name="email" type="email"></label>
            <label>Card number <input name="number" required inputmode="numeric" value="4242424242424242"></label>
            <label>Month <input name="exp_month" value="12" required></label>
            <label>Year <input name="exp_year" value="2035" required></label>
            <label>CVC <input name="cvc" value="123" required></label>
            <button>Pay</button></form>\(cancel)
            """
        )
    }

    /// Leads from a payment link to a session's page.
    mutating func visitLink(_ request: SimulatorRequest) -> SimulatorResponse {
        let id = String(request.path.dropFirst("/l/".count).prefix(80))
        for key in keysInOrder where ledgers[key]?.find(.paymentLink, id) != nil {
            guard var ledger = ledgers[key] else { continue }
            ledgers[key] = nil
            defer { ledgers[key] = ledger }
            ledger.now = clock.now
            do throws(StripeError) {
                let session = try ledger.sessionForLink(id)
                return SimulatorResponse(status: 303, headers: [("Location", "/c/pay/\(session)")])
            } catch {
                return Self.html("Payment link", "<p>\(Self.escaped(error.message))</p>", status: 404)
            }
        }
        return Self.html("Payment link", "<p>There is no such link.</p>", status: 404)
    }

    mutating func payCheckout(_ request: SimulatorRequest) -> SimulatorResponse {
        guard let (key, session) = session(request), session.status == "open", var ledger = ledgers[key] else {
            return Self.html("Checkout", "<p>This page has expired or was paid.</p>", status: 404)
        }
        let fields = Self.fields(request.body)
        var card: JSONObject = ["number": .string(fields["number"] ?? "")]
        for name in ["exp_month", "exp_year"] { card[name] = .int(fields[name].flatMap { Int64($0) } ?? 0) }
        if let cvc = fields["cvc"], !cvc.isEmpty { card["cvc"] = .string(cvc) }
        let email = fields["email"].flatMap { $0.isEmpty ? nil : $0 }
        ledger.now = clock.now
        var failure: String?
        do throws(StripeError) {
            try ledger.paySession(session.id, card, email: email)
        } catch {
            failure = error.message
        }
        ledgers[key] = ledger
        if let failure { return checkoutPage(request, failure: failure) }
        let intent =
            ledger.find(.checkoutSession, session.id)?.string("payment_intent") ?? session.string("setup_intent")
        let asked = intent.flatMap { ledger.find(.paymentIntent, $0) ?? ledger.find(.setupIntent, $0) }
        let location =
            asked?.value(at: "next_action", "redirect_to_url", "url")?.string ?? Ledger.successURL(of: session)
        guard !location.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) else {
            return Self.html("Checkout", "<p>Paid. The page to return to has a broken address.</p>")
        }
        return SimulatorResponse(status: 303, headers: [("Location", location), ("Cache-Control", "no-store")])
    }
}
