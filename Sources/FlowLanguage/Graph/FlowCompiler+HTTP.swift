import Expressions

// `http-request`: a command of the service `http`, with its parameters as keys of the block.
extension FlowCompiler {
    func compileHTTPRequest(
        _ request: HTTPRequestSource,
        _ block: BlockSource,
        _ templates: TemplateCompiler,
        _ body: inout Body
    ) {
        body.output = .record(Self.httpAnswer)
        let method = request.method?.value ?? .get
        let effect = request.effect ?? method.effect
        if block.id == nil, effect != .safe {
            context.error(
                .idMissing,
                "a \(method.rawValue) may change something, so it needs an 'id' by which it is recorded",
                at: block.word.range
            )
        }
        let connection = httpConnection(request, block)
        var data = [NamedTemplate(name: "method", value: .constant(.string(method.rawValue)))]
        if let path = httpPath(request, templates) { data.append(NamedTemplate(name: "path", value: path)) }
        if let url = request.url.flatMap({ httpURL($0, of: request.connection?.value, templates) }) {
            data.append(NamedTemplate(name: "url", value: url))
        }
        if let headers = httpHeaders(request.headers, templates) {
            data.append(NamedTemplate(name: "headers", value: headers))
        }
        if let node = request.query,
            let query = templates.compile(node, Expectation(type: .map(.string, .dynamic), what: "'query'"))
        {
            data.append(NamedTemplate(name: "query", value: query.template))
        }
        if let node = request.body {
            if !method.takesBody {
                context.error(
                    .httpBody,
                    "a \(method.rawValue) has no body",
                    at: node.range,
                    notes: ["parameters stand under 'query'; or say 'method: POST'"]
                )
            } else if let value = templates.compile(node, .any("'body'")) {
                data.append(NamedTemplate(name: "body", value: value.template))
            }
        }
        if let expect = request.expect.flatMap(httpExpect) {
            data.append(NamedTemplate(name: "expect", value: .constant(expect)))
        }
        guard let connection else { return }
        body.action = .command(
            CommandBlock(connection: connection, service: "http", command: "request", data: data, effect: effect)
        )
    }

    private static let httpAnswer = RecordType(
        name: "http-request",
        fields: ["status": .init(.int), "headers": .init(.map(.string, .string)), "body": .init(.dynamic)]
    )

    // MARK: Where it goes

    /// The connection's name; nil, with a finding, when there is none.
    private func httpConnection(_ request: HTTPRequestSource, _ block: BlockSource) -> String? {
        guard let name = request.connection else {
            guard request.url != nil else {
                context.error(
                    .httpTarget,
                    "'http-request' needs 'connection' with 'path', or 'url'",
                    at: block.word.range
                )
                return nil
            }
            guard environment.catalogue.service(named: "http") != nil else { return nil }
            return ConnectionDeclaration.anyHost.name
        }
        guard let declared = environment.model.connections.first(where: { $0.name == name.value }) else {
            let near = context.likely(name.value, among: environment.model.connections.map(\.name))
            context.error(
                .connectionUnknown,
                "there is no connection '\(name.value)'",
                at: name.range,
                notes: near.isEmpty ? ["connections are declared in app.yaml"] : near
            )
            return nil
        }
        guard declared.service == "http" else {
            context.error(
                .httpTarget,
                "'\(name.value)' is a connection of the service '\(declared.service)', not of 'http'",
                at: name.range,
                notes: ["its commands are used with 'execute-connection-command'"]
            )
            return nil
        }
        if let url = request.url, declared.settings["url"] != nil {
            context.error(
                .httpTarget,
                "the connection '\(name.value)' has a 'url' of its own; the block gives the 'path' behind it",
                at: url.range
            )
        } else if request.url == nil, declared.settings["url"] == nil {
            context.error(
                .httpTarget,
                "the connection '\(name.value)' has no 'url', so the block needs one",
                at: name.range
            )
        }
        warnAboutAccess(of: declared, at: name)
        return name.value
    }

    /// A page that is open to roles to which the connection is closed fails for them each time.
    private func warnAboutAccess(of connection: ConnectionDeclaration, at place: Located<String>) {
        guard source.kind == .page, let access = source.access else { return }
        let granted = connection.access["request"] ?? []
        guard !granted.contains("public") else { return }
        let refused = access.map(\.value).filter { $0 != "admin" && !granted.contains($0) }
        guard !refused.isEmpty else { return }
        context.warning(
            .accessCommand,
            "the page is open to \(refused.listed), but '\(connection.name)' does not grant them 'request'",
            at: place.range,
            notes: ["grant it with 'access: { request: [\(refused.joined(separator: ", "))] }' of the connection"]
        )
    }

    private func httpPath(_ request: HTTPRequestSource, _ templates: TemplateCompiler) -> ValueTemplate? {
        guard let node = request.path else { return nil }
        guard request.url == nil else {
            context.error(.httpPath, "'url' is whole: 'path' stands beside 'connection'", at: node.range)
            return nil
        }
        guard let value = templates.compile(node, Expectation(type: .string, what: "'path'")) else { return nil }
        let literals = value.template.literals
        if let first = literals.first, !first.hasPrefix("/") || first.hasPrefix("//") {
            context.error(.httpPath, "'path' begins with one '/'", at: node.range)
        }
        checkPath(literals, node, "'path'")
        return value.template.pieces
    }

    private func httpURL(_ node: YAMLNode, of connection: String?, _ templates: TemplateCompiler) -> ValueTemplate? {
        guard let value = templates.compile(node, Expectation(type: .string, what: "'url'")) else { return nil }
        guard let literal = value.template.literals.first else {
            warnAboutHost(node)
            return value.template
        }
        let text = HTTPURLText(literal)
        // The host must end in the text itself: what an expression gives cannot then change it.
        let isConstant = if case .constant = value.template { true } else { false }
        if let fault = text.fault {
            if text.scheme != nil, text.host == nil, !isConstant {
                warnAboutHost(node)
            } else {
                context.error(.httpURL, "'url' \(fault)", at: node.range)
            }
        } else if text.path.isEmpty, !isConstant {
            warnAboutHost(node)
        }
        warnAboutInnerHost(text, connection, node)
        checkPath([String(text.path)] + value.template.literals.dropFirst(), node, "'url'")
        return value.template.pieces
    }

    private func warnAboutHost(_ node: YAMLNode) {
        context.warning(
            .httpHost,
            "an expression decides which host is asked",
            at: node.range,
            notes: ["whoever gives the value can have this server call any public host; a connection names its own"]
        )
    }

    private func checkPath(_ literals: [String], _ node: YAMLNode, _ what: String) {
        if literals.contains(where: { $0.contains("?") || $0.contains("#") }) {
            context.error(
                .httpPath,
                "\(what) ends before its query",
                at: node.range,
                notes: ["parameters stand under 'query', where they are encoded"]
            )
        }
        let segments = literals.flatMap { $0.split(separator: "/") }
        if segments.contains(where: { $0 == ".." || $0 == "." }) {
            context.error(.httpPath, "\(what) holds a step such as '..'", at: node.range)
        }
        if literals.contains(where: { $0.contains { $0.isWhitespace || $0 == "\\" } }) {
            context.error(.httpPath, "\(what) holds a space or a backslash", at: node.range)
        }
    }

    /// Addresses inside are refused until the connection lists them.
    private func warnAboutInnerHost(_ url: HTTPURLText, _ connection: String?, _ node: YAMLNode) {
        let declared = environment.model.connections.first { $0.name == connection }
        let allowed = declared?.settings["allow"]?.listValue?.compactMap { $0.stringValue.flatMap(HTTPAllowance.init) }
        guard let host = url.host, let inner = InnerHost(host), !inner.isOpened(by: allowed ?? []) else { return }
        let way = connection == nil ? "a connection of the service 'http' with" : "give the connection"
        context.warning(
            .httpAllow,
            "'\(host)' is an address inside, which is refused at run time",
            at: node.range,
            notes: inner.allowance.map { ["\(way) 'allow: [\($0)]' opens it"] } ?? []
        )
    }

    // MARK: What it says

    /// What frames an answer or belongs to the server is never sent from a flow.
    func checkAnswerHeader(_ pair: YAMLPair) {
        if !HTTPHeaderName.isToken(pair.name) {
            context.error(.httpHeader, "'\(pair.name)' is not the name of a header", at: pair.key.range)
        } else if HTTPHeaderName.serversOwn.contains(pair.name.lowercased()) {
            context.error(
                .httpHeader,
                "the header '\(pair.name)' is the server's own: an answer never carries the flow's",
                at: pair.key.range
            )
        }
    }

    private func httpHeaders(_ pairs: [YAMLPair], _ templates: TemplateCompiler) -> ValueTemplate? {
        var named: [NamedTemplate] = []
        for pair in pairs {
            let name = pair.name.lowercased()
            guard HTTPHeaderName.isToken(name) else {
                context.error(.httpHeader, "'\(pair.name)' is not the name of a header", at: pair.key.range)
                continue
            }
            guard !HTTPHeaderName.refused.contains(name) else {
                let isCredential = name.hasSuffix("authorization") || name == "cookie"
                context.error(
                    .httpHeader,
                    "the header '\(pair.name)' is not an author's to set",
                    at: pair.key.range,
                    notes: isCredential
                        ? ["name a secret under 'auth' of the connection: a header would stand in the journal"]
                        : name == "idempotency-key" ? ["say 'effect: keyed', and the key is sent"] : []
                )
                continue
            }
            let expectation = Expectation(type: .string, what: "the header '\(pair.name)'")
            if let value = templates.compile(pair.value, expectation) {
                named.append(NamedTemplate(name: name, value: value.template))
            }
        }
        return named.isEmpty ? nil : .map(named)
    }

    /// A status, `2xx`, or a list of those.
    private func httpExpect(_ node: YAMLNode) -> Value? {
        let nodes: [YAMLNode]
        if case .sequence(let items) = node.content { nodes = items } else { nodes = [node] }
        var values: [Value] = []
        for item in nodes where !item.isUnreadable {
            switch item.scalar?.resolved {
            case .int(let status)? where (200...499).contains(status): values.append(.int(status))
            case .text(let text)? where ["2xx", "3xx", "4xx"].contains(text): values.append(.string(text))
            default:
                context.error(
                    .httpExpect,
                    "'expect' takes statuses from 200 to 499, and '2xx', '3xx', '4xx'",
                    at: item.range,
                    notes: ["a 5xx is no answer: the request is repeated, or the run asks a person"]
                )
            }
        }
        return values.isEmpty ? nil : .list(values)
    }
}

extension ValueTemplate {
    /// The text that the author wrote, without what expressions give; empty for one expression alone.
    fileprivate var literals: [String] {
        switch self {
        case .constant(let value): value.stringValue.map { [$0] } ?? []
        case .text(let segments):
            // An expression at the very start leaves an empty text before it.
            segments.enumerated().compactMap { number, segment in
                switch segment {
                case .literal(let text): text
                case .expression: number == 0 ? "" : nil
                }
            }
        case .expression, .list, .map: []
        }
    }

    /// Text with expressions in it as a list: texts as they are, and what an expression gives as a list of one.
    ///
    /// So the command can tell what must be encoded: `/items/${ input.sku }` stays one step below `items`, whatever
    /// the value holds.
    fileprivate var pieces: ValueTemplate {
        guard case .text(let segments) = self else { return self }
        return .list(
            segments.map { segment in
                switch segment {
                case .literal(let text): .constant(.string(text))
                case .expression(let placed): .list([.expression(placed)])
                }
            }
        )
    }
}
