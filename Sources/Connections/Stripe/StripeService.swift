import Expressions
package import FlowEngine
package import HTTPTransport

/// Stripe's API v1 as a service: authentication, the pinned version, the keys by which it recognises repetitions.
///
/// Sources: https://docs.stripe.com/error-handling and /error-low-level, and Stripe's official clients.
package struct StripeService: OutsideService {
    /// The version whose shapes the rest of the code reads.
    package static let version = "2026-08-26.dahlia"
    /// A request or an answer of Stripe stays far below this.
    package static let answerBytesMax = 4 << 20

    private let endpoint: StripeEndpoint
    private let credentials: StripeCredentials
    private let explicit: ExplicitCredentials

    /// - Parameters:
    ///   - endpoint: Stripe's host, or a simulator's.
    ///   - credentials: where the keys are.
    ///   - explicit: keys that code gave by itself.
    package init(
        endpoint: StripeEndpoint = .stripe,
        credentials: StripeCredentials,
        explicit: ExplicitCredentials = ExplicitCredentials()
    ) {
        self.endpoint = endpoint
        self.credentials = credentials
        self.explicit = explicit
    }

    package func request(for request: OutsideRequest, mode: Mode) throws(ServiceRefusal) -> HTTPRequest {
        guard endpoint.permits(mode) else {
            throw ServiceRefusal("a live key goes to api.stripe.com alone; --stripe-url is for test mode")
        }
        guard request.path.hasPrefix("/v1/") || request.path.hasPrefix("/v2/"), Self.isPlainPath(request.path) else {
            throw ServiceRefusal("\(request.method) asks for a path that is not one of Stripe's API")
        }
        let key = try secretKey(for: request, mode: mode)
        var headers: HTTPHeaders = [
            "Authorization": "Bearer \(key.reveal())",
            "Stripe-Version": request.headers["stripe-version"] ?? Self.version,
            "User-Agent": "runnel/1 (stripe)",
            "Accept": "application/json",
        ]
        for (name, field) in [("Stripe-Account", "stripe-account"), ("Stripe-Context", "stripe-context")] {
            if let value = request.headers[field] { headers.add(name: name, value: value) }
        }
        if request.method == "POST" {
            let isJSON = request.headers["content-type"] == "application/json"
            headers.add(
                name: "Content-Type",
                value: isJSON ? "application/json" : "application/x-www-form-urlencoded"
            )
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

    private func secretKey(for request: OutsideRequest, mode: Mode) throws(ServiceRefusal) -> Secret {
        guard let reference = request.headers[ExplicitCredentials.header] else {
            return try credentials.secretKey(of: request.connection, mode: mode)
        }
        guard let secret = explicit.key(reference) else {
            throw ServiceRefusal("the key that the code gave is not known any more")
        }
        guard StripeKey(secret.reveal())?.mode == mode else {
            throw ServiceRefusal("the key that the code gave is not one of \(mode.rawValue) mode")
        }
        return secret
    }

    /// Printable ASCII without what would end the request line.
    private static func isPlainPath(_ path: String) -> Bool {
        path.utf8.count <= 8 << 10 && path.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }
            && !path.prefix { $0 != "?" }.contains("..")
    }
}
