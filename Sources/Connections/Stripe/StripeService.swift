import Expressions
package import FlowEngine
package import HTTPTransport

/// Stripe's API v1 as a service: authentication, the pinned version, keys of repetition, which answers to trust.
///
/// Sources: `../shared/facts/stripe.md` section 3, which quotes Stripe's documentation and official clients.
package struct StripeService: OutsideService {
    /// The version whose shapes the rest of the code reads.
    package static let version = "2026-08-26.dahlia"
    /// A request or an answer of Stripe stays far below this.
    package static let answerBytesMax = 4 << 20

    package let attemptsMax = 4
    private let endpoint: StripeEndpoint
    private let credentials: StripeCredentials
    private let random: any RandomSource

    /// - Parameters:
    ///   - endpoint: Stripe's host, or a simulator's.
    ///   - credentials: where the keys are.
    ///   - random: spreads the retries of many clients.
    package init(endpoint: StripeEndpoint = .stripe, credentials: StripeCredentials, random: any RandomSource) {
        self.endpoint = endpoint
        self.credentials = credentials
        self.random = random
    }

    package func request(for request: OutsideRequest, mode: Mode) throws(ServiceRefusal) -> HTTPRequest {
        guard endpoint.permits(mode) else {
            throw ServiceRefusal("a live key goes to api.stripe.com alone; --stripe-url is for test mode")
        }
        guard request.path.hasPrefix("/v1/"), Self.isPlainPath(request.path) else {
            throw ServiceRefusal("\(request.method) asks for a path that is not one of Stripe's API v1")
        }
        let key = try credentials.secretKey(of: request.connection, mode: mode)
        var headers: HTTPHeaders = [
            "Authorization": "Bearer \(key.reveal())",
            "Stripe-Version": Self.version,
            "User-Agent": "runnel/1 (stripe)",
            "Accept": "application/json",
        ]
        if request.method == "POST" {
            headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
            guard let idempotencyKey = request.key, (1...255).contains(idempotencyKey.utf8.count) else {
                throw ServiceRefusal("a POST to Stripe needs a key of 1 to 255 characters")
            }
            headers.add(name: "Idempotency-Key", value: idempotencyKey)
        }
        return HTTPRequest(
            method: request.method,
            url: endpoint.url + request.path,
            headers: headers,
            body: request.body,
            responseBytesMax: Self.answerBytesMax,
            addressPolicy: endpoint.isStripe ? .any : .loopbackOnly,
            resending: request.method == "POST" ? .always : .idempotentMethods
        )
    }

    package func verdict(on answer: OutsideAnswer, to request: OutsideRequest, attempt: Int) -> AnswerVerdict {
        let policy = StripeRetryPolicy(attemptsMax: attemptsMax)
        let jitter = Double(random.bytes(1).first ?? 0) / 255
        if let delay = policy.delay(after: answer, attempt: attempt, jitter: jitter) { return .again(after: delay) }
        // Stripe: the outcome of a 409 or 5xx is open. Whatever was read only can simply be asked again by the flow.
        if request.method != "GET", answer.status == 409 || answer.status >= 500 {
            return .unclear("Stripe answered \(answer.status); whether it did what was asked is open")
        }
        return .definite
    }

    /// Printable ASCII without what would end the request line.
    private static func isPlainPath(_ path: String) -> Bool {
        path.utf8.count <= 8 << 10 && path.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }
            && !path.contains("..")
    }
}
