package import FlowEngine
package import HTTPTransport

/// SendGrid's API v3 as a service: sends one e-mail per request, never twice, because it knows no idempotency keys.
package struct SendGridService: OutsideService {
    /// The one path that is used.
    package static let path = "/v3/mail/send"

    private let credentials: SendGridCredentials

    package init(credentials: SendGridCredentials) {
        self.credentials = credentials
    }

    package func request(for request: OutsideRequest, mode: Mode) throws(ServiceRefusal) -> HTTPRequest {
        guard request.method == "POST", request.path == Self.path else {
            throw ServiceRefusal("SendGrid is asked to send e-mails and for nothing else")
        }
        guard let key = credentials.key(of: request.connection, mode: mode) else {
            let name = SendGridCredentials.keyName(of: request.connection, mode: mode)
            throw ServiceRefusal("no key is set: `runnel secrets set \(name)`")
        }
        return HTTPRequest(
            method: "POST",
            url: "https://api.sendgrid.com" + Self.path,
            headers: [
                "Authorization": "Bearer \(key.reveal())",
                "Content-Type": "application/json",
                "Accept": "application/json",
            ],
            body: request.body,
            responseBytesMax: 1 << 20,
            resending: .never
        )
    }
}

/// The key of one SendGrid connection, read on each use: `<connection>.<mode>.apiKey`.
package struct SendGridCredentials: Sendable {
    private let source: any CredentialSource

    package init(_ source: any CredentialSource) {
        self.source = source
    }

    package func key(of connection: String, mode: Mode) -> Secret? {
        source.secret(named: Self.keyName(of: connection, mode: mode))
    }

    package static func keyName(of connection: String, mode: Mode) -> String { "\(connection).\(mode.rawValue).apiKey" }
}
