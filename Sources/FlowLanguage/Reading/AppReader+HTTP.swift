import Expressions

// What is special about a connection of the service `http`.
extension AppReader {
    /// Checks what the settings' types alone do not say; `reader` stands on the connection's mapping.
    func checkHTTP(_ settings: ValueMap, _ reader: inout MappingReader) {
        if let node = reader.value("url"), let url = settings["url"]?.stringValue {
            checkURL(url, node)
            warnAboutInnerHost(url, settings["allow"], node)
        }
        if let node = reader.value("auth"), let auth = settings["auth"]?.mapValue {
            checkAuthentication(auth, node, url: settings["url"]?.stringValue)
        }
        if let node = reader.value("allow"), settings["allow"] != nil { checkAllowances(node) }
        if let node = reader.value("timeout"), let text = settings["timeout"]?.stringValue {
            let timeout = Duration(celText: text)
            if timeout.map({ $0 > .zero && $0 <= HTTPConnection.timeoutMax }) != true {
                let most = HTTPConnection.timeoutMax.secondsText
                context.error(.httpLimit, "'timeout' is a duration such as '10s', at most \(most)", at: node.range)
            }
        }
        if let node = reader.value("maxBytes"), let bytes = settings["maxBytes"]?.intValue,
            !(1...Int64(HTTPConnection.answerBytesLimit)).contains(bytes)
        {
            let most = HTTPConnection.answerBytesLimit
            context.error(.httpLimit, "'maxBytes' is an integer between 1 and \(most)", at: node.range)
        }
    }

    private func checkURL(_ url: String, _ node: YAMLNode) {
        if let fault = HTTPURLText(url).fault {
            context.error(.httpURL, "'url' \(fault)", at: node.range)
        } else if url.contains("?") || url.contains("#") {
            context.error(
                .httpURL,
                "'url' ends before its query: scheme, host and perhaps a path that all requests share",
                at: node.range,
                notes: ["parameters stand under 'query' of each http-request"]
            )
        }
    }

    /// The host of 'url' may be asked without being listed, but an address inside is refused until it is.
    private func warnAboutInnerHost(_ url: String, _ allow: Value?, _ node: YAMLNode) {
        let allowed = allow?.listValue?.compactMap { $0.stringValue.flatMap(HTTPAllowance.init) } ?? []
        guard let host = HTTPURLText(url).host, let inner = InnerHost(host), !inner.isOpened(by: allowed) else {
            return
        }
        context.warning(
            .httpAllow,
            "'\(host)' is an address inside, which is refused at run time",
            at: node.range,
            notes: inner.allowance.map { ["'allow: [\($0)]' opens it"] } ?? []
        )
    }

    private func checkAuthentication(_ map: ValueMap, _ node: YAMLNode, url: String?) {
        guard let authentication = HTTPConnection.Authentication(map) else {
            context.error(
                .httpAuthentication,
                "'auth' names a secret in one of three ways",
                at: node.range,
                notes: [
                    "{ bearer: stock.token }, { basic: stock.login } or { header: X-Api-Key, secret: stock.key }",
                    "the value is set with 'runnel secrets set stock.test.token'",
                ]
            )
            return
        }
        if case .header(let name, _) = authentication, HTTPHeaderName.refused.contains(name.lowercased()) {
            context.error(
                .httpAuthentication,
                "the header '\(name)' is not one that can carry a key of its own",
                at: node.range,
                notes: name.lowercased() == "authorization" ? ["use 'bearer' or 'basic'"] : []
            )
        }
        guard let url else {
            context.error(
                .httpAuthentication,
                "'auth' needs 'url': the secret is shown to that origin alone",
                at: node.range
            )
            return
        }
        let target = HTTPURLText(url)
        if target.scheme == "http", !["localhost", "127.0.0.1", "[::1]"].contains(target.host ?? "") {
            context.warning(
                .httpPlain,
                "the secret travels unencrypted: 'url' says http",
                at: node.range,
                notes: ["write https, unless every network in between is yours"]
            )
        }
    }

    private func checkAllowances(_ node: YAMLNode) {
        for entry in context.texts(of: node, what: "'allow'") ?? [] {
            guard let allowance = HTTPAllowance(entry.value) else {
                context.error(
                    .httpAllow,
                    "'\(entry.value)' is neither a host nor a block of addresses",
                    at: entry.range,
                    notes: ["such as stock.example.com, *.example.com, stock.example.com:8443 or 10.2.0.0/16"]
                )
                continue
            }
            if allowance.isLinkLocal {
                context.error(
                    .httpAllow,
                    "'\(entry.value)' is link-local: clouds hand out credentials there",
                    at: entry.range
                )
            }
        }
    }
}

/// The parts of a URL as far as the checker must tell them; what is connected to is read by the transport alone.
struct HTTPURLText {
    /// `http` or `https`; nil for everything else.
    let scheme: String?
    /// Lower case, without the port.
    let host: String?
    let hasUser: Bool
    /// From the slash behind the host; empty when there is none.
    let path: Substring

    init(_ text: String) {
        guard let end = text.firstRange(of: "://") else {
            (scheme, host, hasUser, path) = (nil, nil, false, "")
            return
        }
        let word = text[..<end.lowerBound].lowercased()
        scheme = word == "http" || word == "https" ? word : nil
        let rest = text[end.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        path = rest[authority.endIndex...]
        hasUser = authority.contains("@")
        let name = authority.hasPrefix("[") ? authority.prefix { $0 != "]" } + "]" : authority.prefix { $0 != ":" }
        host = name.isEmpty ? nil : name.lowercased()
    }

    /// What is wrong with it as an absolute URL, to be read behind its name.
    var fault: String? {
        guard scheme != nil else { return "begins with https:// or http://" }
        guard host != nil else { return "names no host" }
        guard !hasUser else { return "names a user; credentials are secrets, named under 'auth'" }
        return nil
    }
}
