package import Expressions
import Foundation

/// What `app.yaml` says about a connection of the service `http`.
package struct HTTPConnection: Sendable, Hashable {
    /// How requests to the connection's own origin show who they are from.
    ///
    /// The texts name secrets and hold none.
    package enum Authentication: Sendable, Hashable {
        case bearer(secret: String)
        /// The secret is `user:password`.
        case basic(secret: String)
        case header(name: String, secret: String)
    }

    /// Scheme, host, port and perhaps a path, without a slash at its end.
    ///
    /// Nil: blocks give whole URLs.
    package var url: String?
    package var authentication: Authentication?
    /// Where requests and their redirects may go besides the URL's own host.
    package var allow: [HTTPAllowance]
    package var timeout: Duration
    /// The most bytes of an answer's body, unfolded.
    package var answerBytesMax: Int

    /// The longest `timeout`, and what holds without one.
    package static let timeoutMax = Duration.seconds(120), timeoutByDefault = Duration.seconds(30)
    /// The largest `maxBytes`: answers stand in the journal, and in memory while a flow uses them.
    package static let answerBytesLimit = 16 << 20
    /// What holds without `maxBytes`.
    package static let answerBytesByDefault = 1 << 20

    /// Reads the settings, which the checker has seen; what does not fit is left out, never loosened.
    package init(settings: ValueMap) {
        url = settings["url"]?.stringValue.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
        authentication = settings["auth"]?.mapValue.flatMap(Authentication.init)
        allow = settings["allow"]?.listValue?.compactMap { $0.stringValue.flatMap(HTTPAllowance.init) } ?? []
        let timeout = settings["timeout"]?.stringValue.flatMap { Duration(celText: $0) }
        self.timeout = timeout.flatMap { $0 > .zero && $0 <= Self.timeoutMax ? $0 : nil } ?? Self.timeoutByDefault
        let bytes = settings["maxBytes"]?.intValue.map(Int.init)
        answerBytesMax =
            bytes.flatMap { (1...Self.answerBytesLimit).contains($0) ? $0 : nil } ?? Self.answerBytesByDefault
    }
}

extension HTTPConnection.Authentication {
    /// `{ bearer: NAME }`, `{ basic: NAME }` or `{ header: X-Api-Key, secret: NAME }`; nil for anything else.
    package init?(_ map: ValueMap) {
        let texts = ["bearer", "basic", "header", "secret"].map { map[$0]?.stringValue }
        switch (texts[0], texts[1], texts[2], texts[3], map.count) {
        case (let name?, nil, nil, nil, 1): self = .bearer(secret: name)
        case (nil, let name?, nil, nil, 1): self = .basic(secret: name)
        case (nil, nil, let header?, let name?, 2): self = .header(name: header, secret: name)
        default: return nil
        }
        guard Self.isSecretName(secret) else { return nil }
        if case .header(let name, _) = self, !HTTPHeaderName.isToken(name) { return nil }
    }

    /// The secret as the flow files name it.
    package var secret: String {
        switch self {
        case .bearer(let secret), .basic(let secret), .header(_, let secret): secret
        }
    }

    /// The secret's full name: the mode stands before its last word, `stock.token` → `stock.test.token`.
    package func secretName(mode: String) -> String {
        var words = secret.split(separator: ".").map(String.init)
        words.insert(mode, at: words.count - 1)
        return words.joined(separator: ".")
    }

    /// Two words or more, joined by dots: what a secret itself hardly ever looks like.
    static func isSecretName(_ text: String) -> Bool {
        let words = text.split(separator: ".", omittingEmptySubsequences: false)
        return (2...4).contains(words.count) && text.utf8.count <= 100
            && words.allSatisfy { word in
                (word.utf8.first.map { (0x61...0x7A).contains($0 | 0x20) } ?? false)
                    && word.utf8.allSatisfy {
                        (0x61...0x7A).contains($0 | 0x20) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
                    }
            }
    }
}

/// One entry of `allow:`.
package enum HTTPAllowance: Sendable, Hashable {
    /// `stock.example.com`, `*.example.com` for every name below it, with `:port` if that port alone is meant.
    case host(String, port: Int?)
    /// Addresses that may be connected to although they are no public ones: `10.2.0.0/16`, `127.0.0.1`, `::1`.
    case addresses(bytes: [UInt8], length: Int)

    /// Nil for what is neither a host nor addresses, or means more than anybody can mean.
    package init?(_ text: String) {
        guard text.utf8.count <= 255 else { return nil }
        if let block = Self.addresses(text) {
            self = block
            return
        }
        var name = text.lowercased()
        var port: Int?
        if let colon = name.firstIndex(of: ":") {
            guard let number = UInt16(name[name.index(after: colon)...]), number > 0 else { return nil }
            port = Int(number)
            name = String(name[..<colon])
        }
        let labels = (name.hasPrefix("*.") ? name.dropFirst(2) : name[...]).split(
            separator: ".",
            omittingEmptySubsequences: false
        )
        // `*.com` means nobody's hosts in particular.
        guard labels.allSatisfy(Self.isLabel), !name.hasPrefix("*.") || labels.count >= 2 else { return nil }
        // A name whose last label is a number is read as an address by some and as a name by others.
        if labels.last?.utf8.first.map({ (0x30...0x39).contains($0) }) ?? true {
            guard port != nil, case .addresses? = Self.addresses(name) else { return nil }
        }
        self = .host(name, port: port)
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count)
            && label.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
            }
    }

    /// `address` or `address/bits`; at most a sixteenth of what is not public (10.0.0.0/8, fd00::/16).
    private static func addresses(_ text: String) -> HTTPAllowance? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = parts.first, let bytes = Self.bytes(ofAddress: String(address)) else {
            return nil
        }
        var length = bytes.count * 8
        if parts.count == 2 {
            guard let number = UInt8(parts[1]), (bytes.count == 4 ? 8 : 16)...length ~= Int(number) else { return nil }
            length = Int(number)
        }
        return .addresses(bytes: bytes, length: length)
    }

    /// Dotted decimal of IPv4 or any writing of IPv6; nil for everything else.
    package static func bytes(ofAddress text: String) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 { return Array(bytes.prefix(4)) }
        return inet_pton(AF_INET6, text, &bytes) == 1 ? bytes : nil
    }

    /// Link-local addresses hand out a cloud's credentials; no app has business there.
    package var isLinkLocal: Bool {
        guard case .addresses(let bytes, _) = self else { return false }
        return bytes.count == 4 ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80
    }
}

/// A host of a URL that is no public one, as far as its text tells: `localhost`, and addresses in writing.
struct InnerHost {
    /// 4 or 16 bytes in network order.
    private let bytes: [UInt8]

    /// Nil for a public address, and for a name, which is looked up at run time.
    init?(_ host: String) {
        let text = host.hasPrefix("[") ? String(host.dropFirst().prefix { $0 != "]" }) : host
        let written = HTTPAllowance.bytes(ofAddress: text)
        guard let bytes = text == "localhost" ? [127, 0, 0, 1] : written else { return nil }
        guard bytes.count == 4 ? Self.isInner(bytes[0], bytes[1]) : bytes[0] >> 5 != 1 else { return nil }
        self.bytes = bytes
    }

    /// By the first two bytes of an IPv4 address; of IPv6 only 2000::/3 is handed out.
    private static func isInner(_ first: UInt8, _ second: UInt8) -> Bool {
        switch (first, second) {
        case (0, _), (10, _), (127, _), (169, 254), (172, 16...31), (192, 168), (100, 64...127): true
        default: false
        }
    }

    /// What to list; nil for link-local addresses, which nothing opens.
    var allowance: String? {
        if bytes.count == 4, bytes[0] == 169 || bytes[0] == 0 { return nil }
        guard bytes.count == 4 else { return bytes == [UInt8](repeating: 0, count: 15) + [1] ? "'::1'" : nil }
        return bytes[0] == 127 ? "127.0.0.0/8" : bytes.map(String.init).joined(separator: ".")
    }

    func isOpened(by allowances: [HTTPAllowance]) -> Bool {
        allowances.contains { allowance in
            guard case .addresses(let block, let length) = allowance, block.count == bytes.count else { return false }
            return (0..<length).allSatisfy { bit in
                let differing: UInt8 = block[bit / 8] ^ bytes[bit / 8]
                return differing & (0x80 >> (bit % 8)) == 0
            }
        }
    }
}

/// Header fields, by name.
package enum HTTPHeaderName {
    /// Fields that carry credentials (they would stand in the journal) or frame the message.
    package static let refused: Set<String> = [
        "authorization", "proxy-authorization", "cookie", "host", "content-length", "transfer-encoding", "connection",
        "expect", "upgrade", "te", "trailer", "accept-encoding", "idempotency-key",
    ]

    /// Fields that say where an answer ends or whose it is: the server writes them, whatever a flow says.
    package static let serversOwn: Set<String> = [
        "content-length", "transfer-encoding", "connection", "upgrade", "trailer", "te", "set-cookie", "date", "server",
    ]

    /// Whether the text is a token of RFC 9110 section 5.6.2.
    package static func isToken(_ text: String) -> Bool {
        (1...256).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte)
                    || "!#$%&'*+-.^_`|~".utf8.contains(byte)
            }
    }
}

/// The methods of `http-request`.
package enum HTTPMethod: String, Sendable, Hashable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case options = "OPTIONS"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"

    /// How a request may be repeated when the author does not say.
    ///
    /// Reading is safe; a second PUT or DELETE changes nothing (RFC 9110 section 9.2.2), but an unclear one is worth a
    /// person's look; of the rest nothing is known.
    package var effect: Effect {
        switch self {
        case .get, .head, .options: .safe
        case .put, .delete: .keyed
        case .post, .patch: .once
        }
    }

    package var takesBody: Bool {
        switch self {
        case .get, .head, .options: false
        case .post, .put, .patch, .delete: true
        }
    }
}

extension ConnectionDeclaration {
    /// The connection behind an `http-request` that gives a whole `url`: every public address, no credentials.
    ///
    /// Its name is one that no app can give. Whoever may start the flow may use it; the guard is the address.
    package static let anyHost = ConnectionDeclaration(
        name: "*",
        service: "http",
        access: ["request": ["public"]],
        range: SourceRange(file: "app.yaml", start: .start, end: .start)
    )
}
