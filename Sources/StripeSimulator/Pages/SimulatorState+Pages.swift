// Pages a customer visits: the bank's, and the receipt.
extension SimulatorState {
    /// Answers a request for a page; nil when the path is not a page's.
    mutating func page(_ request: SimulatorRequest) -> SimulatorResponse? {
        switch (request.method, request.path) {
        case ("GET", "/3d_secure_2/hosted"): return authenticationPage(request)
        case ("POST", "/3d_secure_2/complete"): return completeAuthentication(request)
        case ("GET", let path) where path.hasPrefix("/l/"): return visitLink(request)
        case ("GET", let path) where path.hasPrefix("/c/pay/"): return checkoutPage(request, failure: nil)
        case ("POST", let path) where path.hasPrefix("/c/pay/"): return payCheckout(request)
        case ("GET", "/v3"), ("GET", "/v3/"), ("GET", "/v3/stripe.js"):
            return SimulatorResponse(
                status: 200,
                headers: [
                    ("Content-Type", "text/javascript; charset=utf-8"), ("Cache-Control", "no-store"),
                    ("Access-Control-Allow-Origin", "*"),
                ],
                body: Array(StripeScript.text.utf8)
            )
        case ("OPTIONS", _):
            return SimulatorResponse(
                status: 200,
                headers: [
                    ("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Methods", "GET, POST, DELETE"),
                    ("Access-Control-Allow-Headers", "*"), ("Access-Control-Max-Age", "300"),
                ]
            )
        case ("GET", let path) where path.hasPrefix("/receipts/"):
            return Self.html("Receipt", "<h1>Receipt</h1><p>This payment was simulated.</p>")
        default: return nil
        }
    }

    static func html(_ title: String, _ body: String, status: Int = 200) -> SimulatorResponse {
        let text = """
            <!doctype html><html lang="en"><head><meta charset="utf-8"><title>\(escaped(title))</title>
            <meta name="viewport" content="width=device-width"></head><body>\(body)</body></html>

            """
        return SimulatorResponse(
            status: status,
            headers: [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-store")],
            body: Array(text.utf8)
        )
    }

    static func escaped(_ text: String) -> String {
        var result = ""
        for character in text {
            switch character {
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "&": result += "&amp;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.append(character)
            }
        }
        return result
    }

    static func fields(_ bytes: [UInt8]) -> [String: String] {
        var result: [String: String] = [:]
        let form = (try? FormDecoder.decode(bytes)) ?? []  // a broken form has no fields, and finds no intent
        for (key, value) in form { if case .text(let text) = value { result[key] = text } }
        return result
    }

    /// The intent a page is about, shown to belong to the visitor by its client secret.
    private func intent(_ fields: [String: String]) -> (LedgerKey, ObjectKind, JSONObject)? {
        let key = LedgerKey(livemode: fields["livemode"] == "true", account: fields["account"])
        for (kind, name) in [(ObjectKind.paymentIntent, "payment_intent"), (.setupIntent, "setup_intent")] {
            guard let id = fields[name], let intent = ledgers[key]?.find(kind, id),
                let secret = fields[name + "_client_secret"], secret == intent.string("client_secret")
            else { continue }
            return (key, kind, intent)
        }
        return nil
    }

    private func authenticationPage(_ request: SimulatorRequest) -> SimulatorResponse {
        let fields = Self.fields(request.query)
        guard let (_, _, intent) = intent(fields), intent.status == "requires_action" else {
            return Self.html("3-D Secure", "<p>There is nothing to authenticate.</p>", status: 404)
        }
        let hidden = fields.sorted { $0.key < $1.key }.map { name, value in
            "<input type=\"hidden\" name=\"\(Self.escaped(name))\" value=\"\(Self.escaped(value))\">"
        }
        let amount = intent.int("amount").map { Currency.formatted($0, intent.string("currency") ?? "usd") } ?? "a card"
        return Self.html(
            "3-D Secure",
            """
            <h1>3D Secure 2 Test Page</h1><p>Authenticate \(Self.escaped(amount))?</p>
            <form method="post" action="/3d_secure_2/complete">\(hidden.joined())
            <button id="test-source-authorize-3ds" name="outcome" value="succeeded">Complete</button>
            <button id="test-source-fail-3ds" name="outcome" value="failed">Fail</button></form>
            """
        )
    }

    private mutating func completeAuthentication(_ request: SimulatorRequest) -> SimulatorResponse {
        let fields = Self.fields(request.body)
        guard let (key, kind, intent) = intent(fields), intent.status == "requires_action" else {
            return Self.html("3-D Secure", "<p>There is nothing to authenticate.</p>", status: 404)
        }
        let back = intent.value(at: "next_action", "redirect_to_url", "return_url")?.string
        let succeeded = fields["outcome"] == "succeeded"
        ledgers[key]?.now = clock.now
        if kind == .paymentIntent {
            ledgers[key]?.finishAuthentication(ofIntent: intent.id, succeeded: succeeded)
        } else {
            ledgers[key]?.finishAuthentication(ofSetup: intent.id, succeeded: succeeded)
        }
        guard let back else {
            return Self.html("3-D Secure", "<p>You can close this window.</p>")
        }
        let status = succeeded ? "succeeded" : "failed"
        let name = kind == .paymentIntent ? "payment_intent" : "setup_intent"
        let query =
            "\(name)=\(intent.id)&\(name)_client_secret=\(intent.string("client_secret") ?? "")&redirect_status=\(status)"
        let location = back + (back.contains("?") ? "&" : "?") + query
        guard !location.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) else {
            return Self.html("3-D Secure", "<p>The page to return to has a broken address.</p>", status: 400)
        }
        return SimulatorResponse(status: 303, headers: [("Location", location), ("Cache-Control", "no-store")])
    }
}
