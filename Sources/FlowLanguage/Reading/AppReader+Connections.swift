import Expressions

extension AppReader {
    mutating func readConnections(_ node: YAMLNode) {
        for pair in context.pairs(of: node, what: "'connections'") ?? [] {
            let name = Located(value: pair.name, range: pair.key.range)
            guard context.checkKebab(name, what: "the connection") else { continue }
            if let connection = readConnection(name, pair.value) { model.connections.append(connection) }
        }
    }

    private func readConnection(_ name: Located<String>, _ node: YAMLNode) -> ConnectionDeclaration? {
        guard var reader = MappingReader(node, context, what: "a connection") else { return nil }
        let access = reader.value("access")
        guard let service = reader.requiredText("service") else {
            reader.abandon(knowing: [])
            return nil
        }
        guard let declaration = catalogue.service(named: service.value) else {
            context.error(
                .serviceUnknown,
                "there is no service '\(service.value)'",
                at: service.range,
                notes: context.likely(service.value, among: catalogue.services.map(\.name))
                    + (catalogue.services.isEmpty ? [] : ["services are \(catalogue.services.map(\.name).listed)"])
            )
            // Its commands are unknown too; the declaration keeps the name known to the flows.
            return ConnectionDeclaration(
                name: name.value,
                service: service.value,
                range: context.text.range(name.range)
            )
        }
        var settings = ValueMap()
        for parameter in declaration.settings {
            guard let node = parameter.isRequired ? reader.required(parameter.name) : reader.value(parameter.name)
            else {
                continue
            }
            if let value = readSetting(node, parameter) { settings[parameter.name] = value }
        }
        if declaration.name == "http" { checkHTTP(settings, &reader) }
        reader.finish()
        return ConnectionDeclaration(
            name: name.value,
            service: service.value,
            access: access.map { readAccess($0, declaration) } ?? [:],
            settings: settings,
            range: context.text.range(name.range)
        )
    }

    private func readSetting(_ node: YAMLNode, _ parameter: ParameterDeclaration) -> Value? {
        guard let value = context.constant(of: node) else { return nil }
        if let mismatch = TypeRules.mismatch(of: value, expected: parameter.type) {
            context.error(
                .typeConstant,
                "'\(parameter.name)' is \(mismatch.expected); found \(node.kindName)",
                at: node.range
            )
            return nil
        }
        if !parameter.allowed.isEmpty, case .string(let text) = value, !parameter.allowed.contains(text) {
            context.error(
                .valueChoice,
                "'\(text)' is not one of \(parameter.allowed.listed)",
                at: node.range,
                notes: context.likely(text, among: parameter.allowed)
            )
        }
        return value
    }

    private func readAccess(_ node: YAMLNode, _ service: ServiceDeclaration) -> [String: [String]] {
        var access: [String: [String]] = [:]
        for pair in context.pairs(of: node, what: "'access' of a connection") ?? [] {
            guard let command = service.command(named: pair.name) else {
                context.error(
                    .commandUnknown,
                    "the service '\(service.name)' has no command '\(pair.name)'",
                    at: pair.key.range,
                    notes: context.likely(pair.name, among: service.commands.map(\.name))
                )
                continue
            }
            let roles = context.readRoleList(pair.value, what: "the roles of a command", roles: model.roles)
            access[pair.name] = roles.map(\.value)
            guard let risk = command.risk, let other = roles.first(where: { $0.value != "admin" }) else { continue }
            context.warning(
                .accessRefund,
                "'\(pair.name)' is granted to '\(other.value)': whoever has that role can \(risk)",
                at: other.range,
                notes: ["grant '\(pair.name)' to admin, or to a role of its own that few hold"]
            )
        }
        return access
    }
}
