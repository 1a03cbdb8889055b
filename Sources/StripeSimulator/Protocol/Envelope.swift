/// What surrounds an answer: status and headers as facts §3 lists them.
struct Envelope {
    let method: String
    let account: String?
    var status = 200
    var body: JSONValue = [:]
    var requestID: String?
    var originalRequest: String?
    var version: APIVersion?
    var idempotencyKey: String?
    var isReplayed = false
    var shouldRetry: Bool?
    private var isKeyError = false

    init(method: String, account: String?) {
        self.method = method
        self.account = account
    }

    mutating func fail(_ error: StripeError, accountID: String) {
        status = error.status
        isKeyError = error.status == 401 || (error.status == 403 && error.code == nil)
        if let retry = error.details.bool("_should_retry") { shouldRetry = retry }
        var error = error
        error.details["_should_retry"] = nil
        let log =
            isKeyError
            ? nil
            : requestID.map { "https://dashboard.stripe.com/\(accountID)/test/workbench/logs?object=\($0)" }
        body = ["error": .object(error.object(requestLog: log))]
    }

    mutating func replay(_ record: IdempotencyStore.Record) {
        status = record.status
        body = record.body
        originalRequest = record.requestID
        shouldRetry = record.shouldRetry
        isReplayed = true
    }

    func response() -> SimulatorResponse {
        var headers: [(name: String, value: String)] = [
            ("Content-Type", "application/json"), ("Cache-Control", "no-cache, no-store"), ("Vary", "Origin"),
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Allow-Methods", "GET, HEAD, PUT, PATCH, POST, DELETE"),
            ("Access-Control-Expose-Headers", "Request-Id, Stripe-Manage-Version, Stripe-Should-Retry"),
        ]
        if isKeyError {
            if status == 401 { headers.append(("WWW-Authenticate", "Bearer realm=\"Stripe\"")) }
        } else {
            if let requestID { headers.append(("Request-Id", requestID)) }
            if let version { headers.append(("Stripe-Version", version.text)) }
            if let idempotencyKey, method != "GET" { headers.append(("Idempotency-Key", idempotencyKey)) }
            if method == "POST", let original = originalRequest ?? requestID {
                headers.append(("Original-Request", original))
            }
            if isReplayed { headers.append(("Idempotent-Replayed", "true")) }
            if let shouldRetry { headers.append(("Stripe-Should-Retry", shouldRetry ? "true" : "false")) }
            if let account { headers.append(("Stripe-Account", account)) }
        }
        return SimulatorResponse(status: status, headers: headers, body: JSONPrinter.bytes(of: body))
    }
}
