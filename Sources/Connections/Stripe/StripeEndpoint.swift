package import FlowEngine

/// Where Stripe is: its own host, or a simulator on this machine, which never sees a live key.
package struct StripeEndpoint: Sendable, Hashable {
    /// Scheme, host and port, without a slash at the end.
    package let url: String
    /// Whether it is Stripe's own host.
    package let isStripe: Bool

    /// `https://api.stripe.com`.
    package static let stripe = StripeEndpoint(url: "https://api.stripe.com", isStripe: true)

    private init(url: String, isStripe: Bool) {
        self.url = url
        self.isStripe = isStripe
    }

    /// An `http` or `https` URL of this machine (`--stripe-url`); nil for every other host and for a URL with a path.
    package init?(loopback text: String) {
        guard let schemeEnd = text.firstRange(of: "://")?.upperBound else { return nil }
        let scheme = text[..<schemeEnd].lowercased()
        guard scheme == "http://" || scheme == "https://" else { return nil }
        var authority = String(text[schemeEnd...])
        if authority.hasSuffix("/") { authority.removeLast() }
        guard let host = Self.host(of: authority), Self.isLoopback(host) else { return nil }
        self.init(url: scheme + authority, isStripe: false)
    }

    /// Whether a key of that mode may be sent there.
    package func permits(_ mode: Mode) -> Bool { isStripe || mode == .test }

    /// The host of `host[:port]`; nil when anything else stands there.
    private static func host(of authority: String) -> String? {
        let host: Substring
        let port: Substring?
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = authority[...end]
            let rest = authority[authority.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return nil }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else {
            let parts = authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            host = parts[0]
            port = parts.count == 2 ? parts[1] : nil
        }
        if let port {
            guard port.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt16(port), number > 0 else {
                return nil
            }
        }
        return String(host)
    }

    /// 127.0.0.0/8 as four plain numbers, `[::1]` and `localhost`.
    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { part in
                (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
                    && UInt8(part) != nil
            }
    }
}
