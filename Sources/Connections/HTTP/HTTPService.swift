package import FlowEngine
package import FlowLanguage
import Foundation
package import HTTPTransport

/// Any HTTP service, as far as `app.yaml` lets it be reached.
///
/// A request's path is one behind the connection's URL, or a whole URL, as redirects and blocks with `url` have it.
package struct HTTPService: OutsideService {
    private struct Target: Sendable {
        var settings: HTTPConnection
        var destinations: HTTPDestinations
    }

    private let targets: [String: Target]
    private let credentials: any CredentialSource

    /// Serves those of the connections whose service is `http`, and blocks that give a URL and no connection.
    package init(connections: [ConnectionDeclaration], credentials: any CredentialSource) {
        var targets: [String: Target] = [:]
        for connection in connections + [.anyHost] where connection.service == "http" {
            let settings = HTTPConnection(settings: connection.settings)
            targets[connection.name] = Target(settings: settings, destinations: HTTPDestinations(settings))
        }
        self.targets = targets
        self.credentials = credentials
    }

    package func request(for request: OutsideRequest, mode: Mode) throws(ServiceRefusal) -> HTTPRequest {
        guard let target = targets[request.connection] else {
            throw ServiceRefusal("'\(request.connection)' is no connection of the service http")
        }
        let url = try url(of: request, target.settings)
        let origin = try Self.origin(of: url)
        guard target.destinations.allow(origin) else {
            throw ServiceRefusal("\(origin.host) is not among the hosts that 'allow' of the connection lists")
        }
        var headers = HTTPHeaders()
        headers.add(name: "User-Agent", value: "runnel/1")
        for (name, value) in request.headers.sorted(by: { $0.key < $1.key }) {
            guard !HTTPHeaderName.refused.contains(name.lowercased()) else {
                throw ServiceRefusal("the header \(name) is not an author's to set")
            }
            headers.add(name: name, value: value)
        }
        if headers["Accept"] == nil { headers.add(name: "Accept", value: "application/json, */*;q=0.5") }
        if request.effect == .keyed, let key = request.key { headers.add(name: "Idempotency-Key", value: key) }
        if let authentication = target.settings.authentication, try Self.isOwn(origin, target.settings) {
            let secret = try secret(authentication, mode: mode)
            let field = authentication.field(secret)
            headers[field.name] = field.value
        }
        return HTTPRequest(
            method: request.method,
            url: url,
            headers: headers,
            body: request.body,
            timeout: target.settings.timeout,
            responseBytesMax: target.settings.answerBytesMax,
            decompresses: true,
            addressPolicy: target.destinations.addressPolicy,
            resending: request.effect == .once ? .never : .always
        )
    }

    package func answer(_ response: HTTPResponse, to request: OutsideRequest, mode: Mode) -> OutsideAnswer {
        // A service that shows a caller what it sent must not carry the secret into the journal.
        let authentication = targets[request.connection]?.settings.authentication
        let secret = authentication.flatMap { credentials.secret(named: $0.secretName(mode: mode.rawValue)) }
        let traces = secret.flatMap { secret in authentication?.traces(of: secret) } ?? []
        return HTTPAnswerReader.answer(from: response, covering: traces)
    }

    private func url(of request: OutsideRequest, _ settings: HTTPConnection) throws(ServiceRefusal) -> String {
        guard request.path.hasPrefix("/") else { return request.path }
        guard let base = settings.url else {
            throw ServiceRefusal("the connection has no URL for a path to stand behind")
        }
        return base + request.path
    }

    private static func origin(of url: String) throws(ServiceRefusal) -> HTTPOrigin {
        do throws(HTTPError) {
            return try HTTPOrigin(ofURL: url)
        } catch {
            throw ServiceRefusal(error.detail)
        }
    }

    /// Whether it is the connection's own origin, scheme and port included: the one that may see its secret.
    private static func isOwn(_ origin: HTTPOrigin, _ settings: HTTPConnection) throws(ServiceRefusal) -> Bool {
        guard let url = settings.url else { return false }
        return try Self.origin(of: url) == origin
    }

    private func secret(
        _ authentication: HTTPConnection.Authentication,
        mode: Mode
    ) throws(ServiceRefusal) -> Secret {
        let name = authentication.secretName(mode: mode.rawValue)
        guard let secret = credentials.secret(named: name) else {
            throw ServiceRefusal("no secret is set: `runnel secrets set \(name)`")
        }
        return secret
    }
}

extension HTTPConnection.Authentication {
    fileprivate func field(_ secret: Secret) -> (name: String, value: String) {
        switch self {
        case .bearer: ("Authorization", "Bearer \(secret.reveal())")
        case .basic: ("Authorization", "Basic \(Self.base64(secret))")
        case .header(let name, _): (name, secret.reveal())
        }
    }

    /// The texts by which the secret could come back; `SecretCover` knows how they may be written.
    fileprivate func traces(of secret: Secret) -> [String] {
        if case .basic = self {
            let password = secret.reveal().split(separator: ":", maxSplits: 1).last.map(String.init)
            return [secret.reveal()] + (password.map { [$0] } ?? [])
        }
        return [secret.reveal()]
    }

    private static func base64(_ secret: Secret) -> String { Data(secret.reveal().utf8).base64EncodedString() }
}
