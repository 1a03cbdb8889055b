import Expressions

extension FlowCompiler {
    /// Compiles `custom-code`; within a `timeout` it computes no longer than that.
    func compileCode(
        _ code: CodeBlockSource,
        timeout: Duration?,
        _ templates: TemplateCompiler,
        _ body: inout Body
    ) {
        body.output = .dynamic
        var returned: [String: RecordType.Field] = [:]
        for declared in code.returns {
            let mayBeNull = declared.isOptional && declared.defaultValue == nil
            returned[declared.name] = .init(
                declared.type.declaredType(isNullable: mayBeNull, allowed: declared.allowed)
            )
        }
        if !returned.isEmpty { body.output = .record(RecordType(name: "custom-code", fields: returned)) }
        let args = templates.named(code.args)
        let libraries = code.libraries.compactMap { file("code/lib/", $0) }
        guard let text = code.code.flatMap(inlineText) ?? code.file.flatMap({ file("code/", $0) }) else { return }
        var block = CodeBlock(
            body: text,
            libraries: libraries,
            args: args,
            returns: code.returns,
            limits: code.limits,
            usesBigInt: code.usesBigInt
        )
        if let milliseconds = timeout?.wholeNanoseconds.map({ Int($0 / 1_000_000) }) {
            let shortest = CodeLimits.millisecondsAllowed.lowerBound
            block.limits.milliseconds = min(block.limits.milliseconds, max(shortest, milliseconds))
        }
        checkStripe(&block)
        warnAboutKeys(in: block)
        warnAboutFetch(in: block)
        self.code += libraries + [text]
        body.action = .code(block)
    }

    /// `code:` in the flow's own file.
    private func inlineText(_ node: YAMLNode) -> CodeText? {
        guard let text = context.text(of: node, what: "'code'"), let scalar = node.scalar else { return nil }
        if text.value.utf8.allSatisfy({ $0 == 0x20 || $0 == 0x0A }) {
            context.error(.codeEmpty, "'code' holds no code", at: node.range)
        }
        let map = ScalarMap(scalar, range: node.range, in: context.text)
        var lines: [SourcePosition] = []
        var offset = 0
        for line in text.value.split(separator: "\n", omittingEmptySubsequences: false) {
            // An empty line has no byte that stands in the file: its end is where the next one begins.
            let place = map.sourceRange(offset..<offset + max(1, line.utf8.count)).lowerBound
            lines.append(context.text.position(at: place))
            offset += line.utf8.count + 1
        }
        return CodeText(file: context.text.path, text: text.value, lines: lines)
    }

    private func file(_ folder: String, _ name: Located<String>) -> CodeText? {
        // Named as seen from the app's folder, or from its own.
        let named = name.value.hasPrefix(folder) ? environment.codeFiles[name.value] : nil
        guard let file = environment.codeFiles[folder + name.value] ?? named else {
            let known = environment.codeFiles.keys.filter { $0.hasPrefix(folder) }.map {
                String($0.dropFirst(folder.count))
            }
            let near = context.likely(name.value, among: known.filter { !$0.contains("/") }.sorted())
            context.error(
                .codeUnknown,
                "there is no file '\(folder)\(name.value)'",
                at: name.range,
                notes: near.isEmpty ? ["files of code end in .js and lie in \(folder)"] : near
            )
            return nil
        }
        return CodeText(file: file.text.path, text: String(decoding: file.text.bytes, as: UTF8.self))
    }

    // MARK: Stripe

    /// Cloud flows have a client; page flows, whose caller may be anybody, have none.
    private func checkStripe(_ block: inout CodeBlock) {
        let model = environment.model
        let connection = model.payments?.connection ?? model.connections.first { $0.service == "stripe" }?.name
        if source.kind == .cloud { block.stripe = connection ?? "" }
        for text in block.libraries + [block.body] {
            let uses = JavaScriptNames.uses(of: ["stripe", "Stripe"], in: text.text)
            guard let use = uses.first(where: { source.kind == .page || ($0.name == "stripe" && connection == nil) })
            else { continue }
            let range = range(of: use, in: text)
            if source.kind == .page {
                context.findings.add(
                    .error,
                    FindingCode.codePageStripe.rawValue,
                    "a page flow has no '\(use.name)': whoever opens the page would spend the app's money",
                    range,
                    ["use a connection's command, or run a cloud flow with 'runFlow'"]
                )
            } else {
                context.findings.add(
                    .error,
                    FindingCode.codeStripeConnection.rawValue,
                    "'stripe' is the client of the app's connection, and app.yaml has none of service stripe",
                    range,
                    ["declare one: 'connections: { stripe: { service: stripe } }'"]
                )
            }
        }
    }

    /// A key that comes with the run stands in the journal with what the run was started with.
    ///
    /// A page flow has no client at all, and was told so.
    private func warnAboutKeys(in block: CodeBlock) {
        guard source.kind == .cloud else { return }
        for text in block.libraries + [block.body] {
            for use in JavaScriptNames.uses(of: ["Stripe"], in: text.text) {
                let line = text.text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[
                    use.line - 1
                ]
                let rest = String(decoding: line.dropFirst(use.column - 1), as: UTF8.self).filter { $0 != " " }
                guard ["args", "input", "trigger", "vars"].contains(where: { rest.hasPrefix("Stripe(\($0).") }) else {
                    continue
                }
                context.findings.add(
                    .warning,
                    FindingCode.codeKey.rawValue,
                    "a key that comes with the run stands in the journal with the run's start",
                    range(of: use, in: text),
                    ["declare a connection of service stripe and write 'new Stripe(\"its name\")'"]
                )
                return
            }
        }
    }

    /// `fetch` reaches the hosts of connections, for a page those that its roles may use.
    private func warnAboutFetch(in block: CodeBlock) {
        let connections = environment.model.connections.filter { connection in
            let settings = HTTPConnection(settings: connection.settings)
            return connection.service == "http" && (settings.url != nil || !settings.allow.isEmpty)
        }
        let roles = source.kind == .page ? source.access?.map(\.value).filter { $0 != "admin" } ?? [] : []
        let isReachable = connections.contains { connection in
            let granted = connection.access["request"] ?? []
            return granted.contains("public") || roles.allSatisfy { granted.contains($0) }
        }
        guard !isReachable else { return }
        for text in block.libraries + [block.body] {
            guard let use = JavaScriptNames.uses(of: ["fetch"], in: text.text).first else { continue }
            context.findings.add(
                .warning,
                FindingCode.codeFetchConnection.rawValue,
                connections.isEmpty
                    ? "'fetch' reaches the hosts of connections of service http, and app.yaml names none"
                    : "no connection of service http grants 'request' to \(roles.listed), to whom the page is open",
                range(of: use, in: text),
                ["such as 'connections: { stock: { service: http, url: \"https://stock.example.com\" } }'"]
            )
            return
        }
    }

    private func range(of use: JavaScriptNames.Use, in text: CodeText) -> SourceRange {
        SourceRange(
            file: text.file,
            start: text.position(line: use.line, column: use.column),
            end: text.position(line: use.line, column: use.column + use.name.utf8.count)
        )
    }
}
