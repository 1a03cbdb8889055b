import Expressions

// `given:`: what is there before the first step.
extension CaseReader {
    /// Reads `given:`; what it leaves out stays as in `base`.
    func readGiven(_ node: YAMLNode, from base: GivenState) -> GivenState {
        guard var reader = MappingReader(node, context, what: "'given'") else { return base }
        var given = base
        if let text = reader.text("clock") {
            if let clock = Timestamp(rfc3339: text.value) {
                given.clock = clock
            } else {
                context.error(
                    .caseTime,
                    "'clock' is a time with its zone",
                    at: text.range,
                    notes: ["such as 2026-11-20T12:00:00Z"]
                )
            }
        }
        if let node = reader.value("caller") { given.caller = readCaller(node) ?? given.caller }
        if let node = reader.value("tables") { given.tables += readTables(node) }
        for pair in reader.value("secrets").flatMap({ context.pairs(of: $0, what: "'secrets'") }) ?? [] {
            guard let text = context.text(of: pair.value, what: "a secret") else { continue }
            given.secrets[pair.name] = text.value
        }
        if let node = reader.value("answers") {
            given.answers += (context.items(of: node, what: "'answers'") ?? []).compactMap(readAnswer)
        }
        reader.finish()
        return given
    }

    /// `{ id: ann@example.com, roles: [customer] }`.
    func readCaller(_ node: YAMLNode) -> CaseCaller? {
        guard var reader = MappingReader(node, context, what: "a caller") else { return nil }
        let id = reader.text("id")?.value
        let roles = reader.value("roles").map {
            context.readRoleList($0, what: "'roles'", roles: app.roles).map(\.value)
        }
        reader.finish()
        return CaseCaller(id: id, roles: roles ?? (id == nil ? ["public"] : []))
    }

    // MARK: Rows

    private func readTables(_ node: YAMLNode) -> [GivenTable] {
        (context.pairs(of: node, what: "'tables'") ?? []).compactMap { pair in
            guard let table = table(pair) else { return nil }
            guard case .mapping = pair.value.content, var reader = MappingReader(pair.value, context, what: "a table")
            else { return GivenTable(table: table.name, rows: readRows(pair.value, of: table)) }
            let nextID = reader.int("nextId", in: 1...Self.largestID)?.value
            let rows = reader.value("rows").map { readRows($0, of: table) } ?? []
            reader.finish()
            return GivenTable(table: table.name, rows: rows, nextID: nextID)
        }
    }

    /// What a double of JavaScript holds: ids beyond are no case's.
    private static let largestID: Int64 = 1 << 53

    private func readRows(_ node: YAMLNode, of table: Table) -> [GivenTable.Row] {
        (context.items(of: node, what: "'\(table.name)'") ?? []).map { readRow($0, of: table) }
    }

    private func readRow(_ node: YAMLNode, of table: Table) -> GivenTable.Row {
        var values: [NamedTemplate] = []
        var id: Int64?
        for pair in context.pairs(of: node, what: "a row") ?? [] {
            guard checkColumn(pair, of: table) else { continue }
            if pair.name == "id" {
                id = context.constant(of: pair.value, as: .int, what: "'id'")?.intValue
                continue
            }
            guard let column = table.column(named: pair.name) else {
                context.error(
                    .columnReserved,
                    "'\(pair.name)' is given by Runnel",
                    at: pair.key.range
                )
                continue
            }
            if let value = readCell(pair.value, of: column) {
                values.append(NamedTemplate(name: pair.name, value: value))
            }
        }
        return GivenTable.Row(id: id, values: values, range: context.text.range(node.range))
    }

    private func readCell(_ node: YAMLNode, of column: Column) -> ValueTemplate? {
        let what = "'\(column.name)'"
        if node.holdsExpression {
            return templates.compile(node, Expectation(type: column.type.expressionType, what: what))?.template
        }
        if node.scalar?.resolved == .null { return .constant(.null) }
        return context.constant(of: node, as: column.type, what: what).map(ValueTemplate.constant)
    }

    // MARK: Answers

    private func readAnswer(_ node: YAMLNode) -> GivenAnswer? {
        guard var reader = MappingReader(node, context, what: "an answer") else { return nil }
        var answer = GivenAnswer(reply: .trouble(.unreachable), range: context.text.range(node.range))
        let connection = reader.text("connection")
        let target = reader.text("to")
        let block = reader.text("block")
        let status = reader.int("status", in: 100...599)
        let headers = reader.value("headers")
        let body = reader.value("body")
        let trouble = reader.choice("fail", of: Trouble.self)
        answer.times = reader.int("times", in: 1...1_000_000).map { Int($0.value) }
        let isNamed = connection != nil || target != nil || block != nil
        reader.finish()
        if let connection { answer.connection = checked(connection) }
        if let target { (answer.method, answer.path) = self.target(target) }
        if let block { answer.block = checkedBlock(block) }
        guard isNamed else {
            let message = "an answer says what it answers: 'to', 'connection' or 'block'"
            context.error(.keyMissing, message, at: reader.headRange)
            return nil
        }
        if let trouble {
            answer.reply = .trouble(trouble.value)
        } else {
            var fields: [String: String] = [:]
            for pair in headers.flatMap({ context.pairs(of: $0, what: "'headers'") }) ?? [] {
                fields[pair.name.lowercased()] = context.text(of: pair.value, what: "a header")?.value
            }
            answer.reply = .answer(
                status: Int(status?.value ?? 200),
                headers: fields,
                body: body.flatMap { value(of: $0) }
            )
        }
        return answer
    }

    private func checked(_ connection: Located<String>) -> String {
        if app.connection(named: connection.value) == nil {
            context.error(
                .connectionUnknown,
                "there is no connection '\(connection.value)'",
                at: connection.range,
                notes: context.likely(connection.value, among: app.connections.map(\.name))
            )
        }
        return connection.value
    }

    /// `GET /items/*`, or a path alone.
    func target(_ text: Located<String>) -> (method: String?, path: String?) {
        let words = text.value.split(separator: " ", maxSplits: 1).map(String.init)
        if words.count == 2, words[1].hasPrefix("/") { return (words[0].uppercased(), words[1]) }
        if words.count == 1, words[0].hasPrefix("/") { return (nil, words[0]) }
        context.error(
            .valueChoice,
            "a request is named by its method and path",
            at: text.range,
            notes: ["such as 'GET /items/1', or 'GET /items/*' for all that begin so"]
        )
        return (nil, nil)
    }

    private func checkedBlock(_ text: Located<String>) -> String {
        let parts = text.value.split(separator: "/", maxSplits: 1).map(String.init)
        guard let flow = app.flows[parts.first ?? ""] else {
            context.error(
                .flowUnknown,
                "a block is named by its flow and path; there is no flow '\(parts.first ?? "")'",
                at: text.range,
                notes: context.likely(parts.first ?? "", among: app.flows.keys.sorted())
            )
            return text.value
        }
        if parts.count < 2 || !flow.nodes.contains(where: { $0.path.rawValue == parts[1] }) {
            context.error(
                .blockUnknown,
                "the flow '\(flow.name)' has no block '\(parts.count < 2 ? "" : parts[1])'",
                at: text.range,
                notes: context.likely(text.value, among: flow.nodes.map { "\(flow.name)/\($0.path)" })
            )
        }
        return text.value
    }
}

extension YAMLNode {
    /// Whether a text in it is written with an expression, or with what stands for `${`.
    fileprivate var holdsExpression: Bool {
        switch content {
        case .scalar(let scalar): scalar.text.contains("${")
        case .sequence(let items): items.contains(where: \.holdsExpression)
        case .mapping(let pairs): pairs.contains(where: \.value.holdsExpression)
        case .unreadable: false
        }
    }
}
