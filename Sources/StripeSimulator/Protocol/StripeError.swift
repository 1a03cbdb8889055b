/// An error as Stripe answers it.
struct StripeError: Error, Sendable, Equatable {
    enum Kind: String, Sendable {
        case api = "api_error"
        case card = "card_error"
        case idempotency = "idempotency_error"
        case invalidRequest = "invalid_request_error"
    }

    var status: Int
    var kind: Kind
    var code: String?
    var param: String?
    var message: String
    /// Further members of the error object: decline codes, the payment intent, the charge.
    var details: JSONObject
    /// Had the endpoint begun to run? Then the answer is stored under the idempotency key and says
    /// `Stripe-Should-Retry: false` (facts §3).
    var executed: Bool

    init(
        status: Int = 400,
        kind: Kind = .invalidRequest,
        code: String? = nil,
        param: String? = nil,
        _ message: String,
        details: JSONObject = [:],
        executed: Bool = false
    ) {
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.message = message
        self.details = details
        self.executed = executed
    }

    /// The error object of an answer; `requestLog` is left out of a stored `last_payment_error`.
    func object(requestLog: String?) -> JSONObject {
        var result = details
        result["type"] = .string(kind.rawValue)
        result["message"] = .string(message)
        if let code {
            result["code"] = .string(code)
            let page = String(code.map { $0 == "_" ? "-" : $0 })
            result["doc_url"] = .string("https://stripe.com/docs/error-codes/" + page)
        }
        if let param { result["param"] = .string(param) }
        if let requestLog { result["request_log_url"] = .string(requestLog) }
        return result
    }
}

// Texts: facts §3, recorded where marked [R] there.
extension StripeError {
    static func unknownRoute(_ method: String, _ path: String) -> StripeError {
        StripeError(
            status: 404,
            "Unrecognized request URL (\(method): \(path)). Please see https://stripe.com/docs "
                + "or we can help at https://support.stripe.com/."
        )
    }

    static func missingObject(_ name: String, _ id: String, param: String = "id") -> StripeError {
        StripeError(
            status: param == "id" || param == "intent" || param == "payment_method" ? 404 : 400,
            code: "resource_missing",
            param: param,
            "No such \(name): '\(id)'"
        )
    }

    static func missingParameter(_ name: String) -> StripeError {
        StripeError(code: "parameter_missing", param: name, "Missing required param: \(name).")
    }

    static func unknownParameters(_ names: [String]) -> StripeError {
        let noun = names.count == 1 ? "parameter" : "parameters"
        return StripeError(
            code: "parameter_unknown",
            param: names.first,
            "Received unknown \(noun): \(names.joined(separator: ", "))"
        )
    }

    static func invalid(_ param: String, _ message: String, code: String? = nil) -> StripeError {
        StripeError(code: code, param: param, message)
    }

    /// A card that its bank, or Stripe, turned down.
    static func declined(_ reason: TestCard.Decline, details: JSONObject) -> StripeError {
        StripeError(
            status: 402,
            kind: .card,
            code: reason.code,
            param: reason.param,
            reason.message,
            details: details,
            executed: true
        )
    }

    static func unexpectedState(_ code: String, _ message: String, details: JSONObject = [:]) -> StripeError {
        StripeError(code: code, message, details: details, executed: true)
    }
}
