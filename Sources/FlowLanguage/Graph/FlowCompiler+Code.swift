import Expressions

extension FlowCompiler {
    func compileCode(_ code: CodeBlockSource, _ templates: TemplateCompiler, _ body: inout Body) {
        body.output = .dynamic
        var returned: [String: RecordType.Field] = [:]
        for declared in code.returns {
            let mayBeNull = declared.isOptional && declared.defaultValue == nil
            returned[declared.name] = .init(mayBeNull ? .dynamic : declared.type.expressionType)
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
        checkStripe(&block)
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
        guard let file = environment.codeFiles[folder + name.value] else {
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
            let start = text.position(line: use.line, column: use.column)
            let end = text.position(line: use.line, column: use.column + use.name.utf8.count)
            let range = SourceRange(file: text.file, start: start, end: end)
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
}
