/// What compiling an app gave: the app if nothing was wrong, and everything that was found.
package struct AppCompilation: Sendable {
    /// Nil if there was any error; warnings do not stop an app.
    package var app: App?
    /// Of all files, in the order of the files and of the places in them.
    package var diagnostics: [Diagnostic]

    package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }
}

/// Compiles the files of an app: text to trees, trees to what was written, that to checked graphs.
///
/// Pure: the same files and the same catalogue give the same app and the same findings.
package struct AppCompiler: Sendable {
    private let catalogue: Catalogue

    package init(catalogue: Catalogue) { self.catalogue = catalogue }

    /// Compiles `app.yaml`, the files of `flows/` and the code that they name; which is which is told by their paths.
    package func compile(_ files: [SourceFile]) -> AppCompilation {
        let findings = FindingCollector()
        var app: FileContext?
        var flows: [FileContext] = []
        var code: [String: FileContext] = [:]
        for file in files {
            let context = FileContext(text: SourceText(file), findings: findings)
            let names = file.path.split(separator: "/")
            if names.last == "app.yaml", names.dropLast().last != "flows" {
                app = context
            } else if names.last?.hasSuffix(".js") == true {
                // `…/code/prices.js`, `…/code/lib/tax.js`: from `code` on.
                let start = names.lastIndex(of: "code") ?? names.startIndex
                code[names[start...].joined(separator: "/")] = context
            } else {
                flows.append(context)
            }
        }
        let compiled = compile(app, flows, code, findings)
        let diagnostics = findings.sorted(files: files.map(\.path))
        return AppCompilation(app: findings.hasErrors ? nil : compiled, diagnostics: diagnostics)
    }

    private func compile(
        _ appFile: FileContext?,
        _ flowFiles: [FileContext],
        _ codeFiles: [String: FileContext],
        _ findings: FindingCollector
    ) -> App? {
        guard let appFile else {
            let place = SourceRange(file: "app.yaml", start: .start, end: .start)
            findings.add(.error, FindingCode.appMissing.rawValue, "an app needs the file app.yaml", place, [])
            return nil
        }
        for file in [appFile] + flowFiles + codeFiles.values { refuseSecrets(file) }
        for file in codeFiles.values where file.text.bytes.count > Limits.fileBytes {
            let place = file.text.start..<file.text.start
            file.error(.fileTooLarge, "a file has at most \(Limits.fileBytes / 1_048_576) MiB", at: place)
        }
        let appRoot = YAMLTreeBuilder.build(appFile.text, findings: findings)
        var flowRoots: [(FileContext, YAMLNode)] = []
        for (number, file) in flowFiles.enumerated() {
            if number == Limits.flowFiles {
                file.error(
                    .limitFlows,
                    "an app has at most \(Limits.flowFiles) flows",
                    at: file.text.start..<file.text.start
                )
            }
            guard number < Limits.flowFiles else { break }
            if file.text.path.hasSuffix(".yml") {
                file.error(.flowExtension, "flow files end in .yaml", at: file.text.start..<file.text.start)
            }
            guard let root = YAMLTreeBuilder.build(file.text, findings: findings) else { continue }
            flowRoots.append((file, root))
        }
        // Without the app's tables and roles every name in the flows would seem unknown.
        guard let appRoot else { return nil }
        var reader = AppReader(appFile, catalogue: catalogue)
        let model = reader.read(appRoot)
        let widgets = (model.payments?.widgets ?? []).map { ($0, FindingCollector()) }
        for (widget, findings) in widgets {
            guard let file = WidgetFlow.source(widget, model) else { continue }
            let context = FileContext(text: SourceText(file), findings: findings)
            if let root = YAMLTreeBuilder.build(context.text, findings: findings) { flowRoots.append((context, root)) }
        }
        let sources = readFlows(flowRoots, roles: model.roles)
        let environment = FlowEnvironment(
            model: model,
            catalogue: catalogue,
            flows: signatures(sources),
            brokenTables: reader.brokenTables,
            codeFiles: codeFiles
        )
        var graphs: [String: FlowGraph] = [:]
        for source in sources {
            graphs[source.name.value] = FlowCompiler(source, environment).compile()
        }
        SubflowCycles(graphs).report(to: findings)
        for (widget, found) in widgets { tell(found, at: widget, findings) }
        return App(
            name: model.name,
            currency: model.currency,
            roles: model.roles,
            tables: model.tables,
            invariants: model.invariants,
            connections: model.connections,
            payments: model.payments,
            events: model.events,
            flows: graphs.pinningSubflows()
        )
    }

    /// Tells at the widget what is wrong with its flow, since nobody can look into a flow that Runnel wrote.
    private func tell(_ found: FindingCollector, at widget: PaymentsDeclaration.Widget, _ findings: FindingCollector) {
        guard let first = found.diagnostics.first(where: { $0.severity == .error }) else { return }
        let message = "the widget '\(widget.name)' cannot be paid: \(first.message)"
        findings.add(.error, FindingCode.widgetOrder.rawValue, message, widget.range, [])
    }

    private func readFlows(_ roots: [(FileContext, YAMLNode)], roles: [String]) -> [FlowSource] {
        var sources: [FlowSource] = []
        for (context, root) in roots {
            var reader = FlowReader(context, roles: roles)
            guard let source = reader.read(root) else { continue }
            if let other = sources.first(where: { $0.name.value == source.name.value }) {
                context.error(
                    .flowTwice,
                    "the flow '\(source.name.value)' is already defined",
                    at: source.name.range,
                    notes: ["the other one is in \(other.context.text.path)"]
                )
                continue
            }
            sources.append(source)
        }
        return sources
    }

    /// What flows may call.
    private func signatures(_ sources: [FlowSource]) -> [String: FlowEnvironment.Signature] {
        var signatures: [String: FlowEnvironment.Signature] = [:]
        for source in sources {
            signatures[source.name.value] = FlowEnvironment.Signature(
                kind: source.kind,
                trigger: source.trigger?.trigger,
                access: source.access?.map(\.value) ?? [],
                inputs: source.inputs,
                outputs: source.outputs.map(\.name),
                lacking: source.lackingOutputs
            )
        }
        return signatures
    }

    private func refuseSecrets(_ file: FileContext) {
        guard file.text.bytes.count <= Limits.fileBytes else { return }
        for range in SecretPattern.ranges(in: file.text.bytes) {
            file.error(
                .secret,
                "this looks like a secret key; keys are never in an app's files",
                at: range,
                notes: ["keep it with 'runnel secrets set', and make a new one: whoever saw this file has it"]
            )
        }
    }
}
