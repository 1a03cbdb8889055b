extension Ledger {
    static let billing =
        """
        billing_details{address{city:s country:s line1:s line2:s postal_code:s state:s}? email:s? name:s? phone:s?
        tax_id:s}
        """

    private static let redirecting = redirectTypes.sorted().map { $0 + ":*" }.joined(separator: " ")

    static let paymentMethodRoutes: [Route] = [
        .post(
            "payment_methods",
            """
            type:s card{cvc:s exp_month:i exp_year:i networks:* number:s token:s} \(billing)
            allow_redisplay:always|limited|unspecified customer:s metadata:m payment_method:s us_bank_account:*
            sepa_debit:* radar_options:* \(redirecting)
            """,
            .browser
        ) { ledger, call throws(StripeError) in try ledger.createPaymentMethod(call) },
        .list(
            "payment_methods",
            "allow_redisplay:always|limited|unspecified customer:s customer_account:s type:s"
        ) { ledger, call throws(StripeError) in
            if let customer = call.string("customer") { _ = try ledger.require(.customer, customer, param: "customer") }
            return try ledger.page(.paymentMethod, call, filters: ["customer", "type", "allow_redisplay"]) { method in
                method.has("customer")
            }
        },
        .get("payment_methods/:id") { ledger, call throws(StripeError) in
            try ledger.require(.paymentMethod, call.id)
        },
        .post(
            "payment_methods/:id",
            """
            allow_redisplay:always|limited|unspecified \(billing) card{exp_month:i exp_year:i networks:*} metadata:m?
            us_bank_account:*
            """
        ) { ledger, call throws(StripeError) in try ledger.updatePaymentMethod(call) },
        .post("payment_methods/:id/attach", "customer:s customer_account:s") { ledger, call throws(StripeError) in
            try ledger.attachPaymentMethod(call)
        },
        .post("payment_methods/:id/detach") { ledger, call throws(StripeError) in
            let method = try ledger.require(.paymentMethod, call.id)
            guard method.has("customer") else {
                throw StripeError.unexpectedState(
                    "payment_method_unexpected_state",
                    "The payment method you provided is not attached to a customer so detachment is impossible."
                )
            }
            return ledger.detach(method)
        },
        .post("tokens", "card{number:s! exp_month:i! exp_year:i! cvc:s name:s} customer:s", .browser) {
            ledger,
            call throws(StripeError) in try ledger.createToken(call)
        },
        .get("tokens/:id") { ledger, call throws(StripeError) in try ledger.require(.token, call.id) },
    ]

    static let emptyBilling: JSONObject = [
        "address": ["city": nil, "country": nil, "line1": nil, "line2": nil, "postal_code": nil, "state": nil],
        "email": nil, "name": nil, "phone": nil, "tax_id": nil,
    ]

    func testCard(of method: JSONObject) -> TestCard {
        var card = method.string("_card").flatMap(TestCard.numbered) ?? TestCard(names: [], number: "4242424242424242")
        if method.bool("_unknown") == true { card.behaviour = .declines(.notATestCard) }
        return card
    }

    // MARK: Making one

    private mutating func createPaymentMethod(_ call: Call) throws(StripeError) -> JSONObject {
        guard let type = call.string("type") else { throw StripeError.missingParameter("type") }
        return try newPaymentMethod(type, call.parameters, metadata: call.updatedMetadata(nil), param: "")
    }

    private mutating func newPaymentMethod(
        _ type: String,
        _ given: JSONObject,
        metadata: JSONObject,
        param: String
    ) throws(StripeError) -> JSONObject {
        if type == "sepa_debit" { return try newDebit(given, metadata: metadata) }
        if Self.redirectTypes.contains(type) {
            return newRedirectMethod(type, given.object(type) ?? JSONObject(), given, metadata: metadata)
        }
        guard type == "card" else {
            throw StripeError.invalid(
                "type",
                "The payment method type provided: \(type.prefix(40)) is invalid. This simulator takes card payments."
            )
        }
        guard let details = given.object("card") else { throw StripeError.missingParameter("card") }
        var method: JSONObject
        if let token = details.string("token") {
            method = try paymentMethod(fromToken: token)
        } else {
            method = try paymentMethod(fromNumber: details)
        }
        method["metadata"] = .object(metadata)
        if let billing = given.object("billing_details") {
            method["billing_details"] = Self.merged(billing, into: method)
        }
        if let redisplay = given.string("allow_redisplay") { method["allow_redisplay"] = .string(redisplay) }
        insert(.paymentMethod, method)
        return method
    }

    /// Types that can be made and kept, and are authenticated on a page when paid with.
    static let redirectTypes: Set<String> = [
        "affirm", "afterpay_clearpay", "alipay", "bancontact", "blik", "boleto", "cashapp", "eps", "fpx", "giropay",
        "grabpay", "ideal", "klarna", "konbini", "link", "oxxo", "p24", "paypal", "promptpay", "sofort", "wechat_pay",
    ]

    private mutating func newRedirectMethod(
        _ type: String,
        _ details: JSONObject,
        _ given: JSONObject,
        metadata: JSONObject
    ) -> JSONObject {
        var own = details
        switch type {
        case "ideal": own = ["bank": details["bank"] ?? .null, "bic": nil]
        case "fpx": own = ["account_holder_type": nil, "bank": details["bank"] ?? .null]
        case "p24", "eps": own = ["bank": details["bank"] ?? .null]
        case "klarna": own = ["dob": details["dob"] ?? .null]
        default: break
        }
        var method: JSONObject = [
            "id": .string(newID(.paymentMethod)), "object": "payment_method", "allow_redisplay": "unspecified",
            "billing_details": .object(Self.emptyBilling), "created": .int(now.seconds), "customer": nil,
            "customer_account": nil, "livemode": .bool(livemode), "metadata": .object(metadata),
            "type": .string(type),
        ]
        method[type] = .object(own)
        if let billing = given.object("billing_details") {
            method["billing_details"] = Self.merged(billing, into: method)
        }
        insert(.paymentMethod, method)
        return method
    }

    /// A bank account that is debited: payments of it are processing for a while.
    private mutating func newDebit(_ given: JSONObject, metadata: JSONObject) throws(StripeError) -> JSONObject {
        guard let iban = given.object("sepa_debit")?.string("iban"), (15...34).contains(iban.count) else {
            throw StripeError.missingParameter("sepa_debit[iban]")
        }
        var method: JSONObject = [
            "id": .string(newID(.paymentMethod)), "object": "payment_method", "allow_redisplay": "unspecified",
            "billing_details": .object(Self.emptyBilling), "created": .int(now.seconds), "customer": nil,
            "customer_account": nil, "livemode": .bool(livemode), "metadata": .object(metadata),
            "sepa_debit": [
                "bank_code": .string(String(iban.dropFirst(4).prefix(5))), "branch_code": "",
                "country": .string(String(iban.prefix(2))), "fingerprint": .string(generator.characters(16)),
                "generated_from": ["charge": nil, "setup_attempt": nil], "last4": .string(String(iban.suffix(4))),
            ], "type": "sepa_debit", "_iban": .string(iban),
        ]
        if let billing = given.object("billing_details") {
            method["billing_details"] = Self.merged(billing, into: method)
        }
        insert(.paymentMethod, method)
        return method
    }

    mutating func paymentMethod(
        fromToken token: String,
        param: String = "card[token]"
    ) throws(StripeError) -> JSONObject {
        if let card = TestCard.named(token), token.hasPrefix("tok_") {
            return newMethod(card, month: 12, year: yearNow + 1, hasCVC: true)
        }
        let kept = try require(.token, token, param: param)
        guard kept.bool("used") != true, let details = kept.object("_details") else {
            throw StripeError(
                code: "token_already_used",
                "You cannot use a Stripe token more than once: \(token)."
            )
        }
        update(.token, token) { $0["used"] = true }
        return try paymentMethod(fromNumber: details)
    }

    /// Checks a number as Stripe does when it is tokenised: digits, expiry, security code (facts §6).
    mutating func paymentMethod(fromNumber details: JSONObject) throws(StripeError) -> JSONObject {
        for name in ["number", "exp_month", "exp_year"] where details[name] == nil {
            throw StripeError.missingParameter("card[\(name)]")
        }
        let number = (details.string("number") ?? "").filter { $0 != " " && $0 != "-" }
        let month = details.int("exp_month") ?? 0
        var year = details.int("exp_year") ?? 0
        if (0..<100).contains(year) { year += 2_000 }
        let brand = Self.brand(of: number)
        guard Self.isNumberValid(number) else {
            throw Self.cardError("incorrect_number", "Your card number is incorrect.", param: "number")
        }
        guard (1...12).contains(month) else {
            throw Self.cardError("invalid_expiry_month", "Your card's expiration month is invalid.", param: "exp_month")
        }
        guard year >= yearNow, year <= yearNow + 50, year > yearNow || month >= monthNow else {
            throw Self.cardError("invalid_expiry_year", "Your card's expiration year is invalid.", param: "exp_year")
        }
        if let cvc = details.string("cvc") {
            let lengths = brand == "amex" ? 3...4 : 3...3
            guard lengths.contains(cvc.count), cvc.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                throw Self.cardError("invalid_cvc", "Your card's security code is invalid.", param: "cvc")
            }
        }
        let known = TestCard.numbered(number)
        var method = newMethod(
            known ?? TestCard(names: [], number: number, brand: brand),
            month: month,
            year: year,
            hasCVC: details.has("cvc")
        )
        if known == nil { method["_unknown"] = true }
        return method
    }

    private static func cardError(_ code: String, _ message: String, param: String) -> StripeError {
        StripeError(status: 402, kind: .card, code: code, param: param, message, executed: true)
    }

    mutating func newMethod(_ card: TestCard, month: Int64, year: Int64, hasCVC: Bool) -> JSONObject {
        [
            "id": .string(newID(.paymentMethod)), "object": "payment_method", "allow_redisplay": "unspecified",
            "billing_details": .object(Self.emptyBilling),
            "card": [
                "brand": .string(card.brand),
                "checks": [
                    "address_line1_check": nil, "address_postal_code_check": nil,
                    "cvc_check": hasCVC ? .string(card.checks.cvc) : nil,
                ], "country": .string(card.country), "display_brand": .string(card.brand), "exp_month": .int(month),
                "exp_year": .int(year), "fingerprint": .string(card.fingerprint), "funding": .string(card.funding),
                "generated_from": nil, "last4": .string(card.last4),
                "networks": ["available": [.string(card.brand)], "preferred": nil],
                "regulated_status": "unregulated", "three_d_secure_usage": ["supported": true], "wallet": nil,
            ], "created": .int(now.seconds), "customer": nil, "customer_account": nil, "livemode": .bool(livemode),
            "metadata": [:], "type": "card", "_card": .string(card.number),
        ]
    }

    private mutating func createToken(_ call: Call) throws(StripeError) -> JSONObject {
        guard let details = call.object("card") else { throw StripeError.missingParameter("card") }
        var probe = self  // the number is checked as for a payment method, which is not kept
        let method = try probe.paymentMethod(fromNumber: details)
        let card = method.object("card") ?? JSONObject()
        let id = newID(.token)
        let token: JSONObject = [
            "id": .string(id), "object": "token",
            "card": [
                "id": .string("card_1" + generator.characters(23)), "object": "card", "brand": "Visa",
                "country": card["country"] ?? .null, "exp_month": card["exp_month"] ?? .null,
                "exp_year": card["exp_year"] ?? .null, "fingerprint": card["fingerprint"] ?? .null,
                "funding": card["funding"] ?? .null, "last4": card["last4"] ?? .null,
            ], "client_ip": "127.0.0.1", "created": .int(now.seconds), "livemode": .bool(livemode), "type": "card",
            "used": false, "_details": .object(details),
        ]
        insert(.token, token)
        return token
    }

    // MARK: Using one

    /// The payment method that a call brings: an id, an alias, or data.
    ///
    /// Nil when it brings none.
    ///
    /// An alias makes a new payment method each time (facts §6).
    mutating func takePaymentMethod(_ call: Call, customer: String?) throws(StripeError) -> String? {
        if let data = call.object("payment_method_data") {
            guard let type = data.string("type") else {
                throw StripeError.missingParameter("payment_method_data[type]")
            }
            let method = try newPaymentMethod(
                type,
                data,
                metadata: data.object("metadata") ?? JSONObject(),
                param: "payment_method_data"
            )
            return method.id
        }
        guard let id = call.string("payment_method") else { return nil }
        if let card = TestCard.named(id), id.hasPrefix("pm_card_") || id.hasPrefix("tok_") {
            var method = newMethod(card, month: 12, year: yearNow + 1, hasCVC: true)
            method["_alias"] = .string(id)
            insert(.paymentMethod, method)
            return method.id
        }
        guard let method = find(.paymentMethod, id) else {
            var error = StripeError.missingObject("PaymentMethod", id, param: "payment_method")
            error.status = 400
            throw error
        }
        if let owner = method.string("customer"), owner != customer {
            throw StripeError.unexpectedState(
                "payment_method_unexpected_state",
                customer == nil
                    ? "The PaymentMethod \(id) belongs to a Customer \(owner). Please include the Customer in the "
                        + "`customer` parameter on the PaymentIntent."
                    : "The PaymentMethod \(id) does not belong to the Customer you supplied \(customer ?? ""). Please use "
                        + "this PaymentMethod with the Customer that it belongs to instead."
            )
        }
        if method.bool("_detached") == true || (method.bool("_used") == true && !method.has("customer")) {
            throw Self.reuse()
        }
        return id
    }

    static func reuse() -> StripeError {
        StripeError(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared "
                + "with a connected account without Customer attachment, or was detached from a Customer. It may not be "
                + "used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.",
            executed: true
        )
    }

    private mutating func attachPaymentMethod(_ call: Call) throws(StripeError) -> JSONObject {
        guard let customer = call.string("customer") else { throw StripeError.missingParameter("customer") }
        var id = call.id
        if let card = TestCard.named(id), id.hasPrefix("pm_card_") || id.hasPrefix("tok_") {
            let method = newMethod(card, month: 12, year: yearNow + 1, hasCVC: true)
            insert(.paymentMethod, method)
            id = method.id
        }
        let method = try require(.paymentMethod, id)
        _ = try liveCustomer(customer, param: "customer")
        if method.bool("_used") == true, !method.has("customer") { throw Self.reuse() }
        return try attach(method, to: customer)
    }

    mutating func attach(_ method: JSONObject, to customer: String) throws(StripeError) -> JSONObject {
        if method.has("customer") {
            guard method.string("customer") != customer else { return method }
            throw StripeError.unexpectedState(
                "payment_method_unexpected_state",
                "The payment method you provided has already been attached to a customer."
            )
        }
        if method.bool("_detached") == true { throw Self.reuse() }
        let card = testCard(of: method)
        if case .declines(let reason) = card.behaviour {
            throw StripeError(
                status: 402,
                kind: .card,
                code: reason.code,
                param: reason.param ?? "",
                reason.message,
                details: Self.details(of: reason),
                executed: true
            )
        }
        return change(.paymentMethod, method.id, emitting: "payment_method.attached") { method in
            method["customer"] = .string(customer)
            method.update("card") { card in
                card.update("checks") { $0["cvc_check"] = "pass" }
            }
        }
    }

    /// Takes a payment method from its customer, whose default it is no longer.
    private mutating func detach(_ method: JSONObject) -> JSONObject {
        let detached = change(.paymentMethod, method.id, emitting: "payment_method.detached") { method in
            method["customer"] = .null
            method["_detached"] = true
        }
        if let customer = method.string("customer"), let card = find(.card, method.id) {
            dropSource(card, of: customer)
        }
        if let customer = method.string("customer"),
            find(.customer, customer)?.value(at: "invoice_settings", "default_payment_method") == method["id"]
        {
            change(.customer, customer, emitting: "customer.updated") { customer in
                customer.update("invoice_settings") { $0["default_payment_method"] = .null }
            }
        }
        return detached
    }

    private mutating func updatePaymentMethod(_ call: Call) throws(StripeError) -> JSONObject {
        let method = try require(.paymentMethod, call.id)
        guard method.has("customer") else {
            throw StripeError(
                "You must save this PaymentMethod to a customer before you can update it.",
                executed: true
            )
        }
        return change(.paymentMethod, method.id, emitting: "payment_method.updated") { method in
            call.copy(["allow_redisplay"], to: &method)
            method["metadata"] = .object(call.updatedMetadata(method.object("metadata")))
            if let billing = call.object("billing_details") {
                method["billing_details"] = Self.merged(billing, into: method)
            }
            guard let card = call.object("card") else { return }
            method.update("card") { own in
                for name in ["exp_month", "exp_year"] { if let value = card[name] { own[name] = value } }
            }
        }
    }

    private static func merged(_ billing: JSONObject, into method: JSONObject) -> JSONValue {
        var result = method.object("billing_details") ?? emptyBilling
        for member in billing.members where member.key != "address" { result[member.key] = member.value }
        if let address = billing.object("address") {
            let old = result.object("address") ?? JSONObject()
            result["address"] = .object(Self.address(old.merging(address)))
        }
        return .object(result)
    }

    // MARK: Numbers

    var yearNow: Int64 { CalendarDate(seconds: now.seconds).year }
    private var monthNow: Int64 { CalendarDate(seconds: now.seconds).month }

    private static func brand(of number: String) -> String {
        switch number.prefix(2) {
        case "34", "37": "amex"
        case "51", "52", "53", "54", "55", "22", "23", "24", "25", "26", "27": "mastercard"
        case "60", "64", "65": "discover"
        case "30", "36", "38", "39": "diners"
        case "35": "jcb"
        case "62": "unionpay"
        default: number.hasPrefix("4") ? "visa" : "unknown"
        }
    }

    /// The Luhn check.
    private static func isNumberValid(_ number: String) -> Bool {
        guard (12...19).contains(number.utf8.count), number.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return false
        }
        var sum = 0
        for (index, byte) in number.utf8.reversed().enumerated() {
            let digit = Int(byte - 0x30) * (index % 2 == 1 ? 2 : 1)
            sum += digit > 9 ? digit - 9 : digit
        }
        return sum % 10 == 0
    }
}
