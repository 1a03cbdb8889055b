import HTTPTransport

/// Sends web hooks over libcurl.
struct HTTPClientSender: WebhookSender {
    /// Longer than any handler that answers first and works later, as Stripe asks for.
    static let timeout = Duration.seconds(20)

    private let client = HTTPClient()

    func send(_ webhook: OutgoingWebhook) async throws(WebhookFailure) -> Int {
        var request = HTTPRequest(
            method: "POST",
            url: webhook.url,
            headers: HTTPHeaders(webhook.headers.map { ($0.name, $0.value) }),
            body: webhook.body,
            timeout: Self.timeout
        )
        request.addressPolicy = .any
        do throws(HTTPError) {
            return try await client.send(request).status
        } catch {
            throw WebhookFailure(reason: error.code.rawValue)
        }
    }
}
