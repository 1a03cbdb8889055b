import Expressions

// `steps:` and `disturb:`: what happens, and what goes wrong meanwhile.
extension CaseReader {
    /// The keys of which a step has one: they say what it does.
    private static let kinds = [
        "page", "hook", "run", "schedule", "stripe", "event", "send", "pay", "call", "advance", "capsule",
    ]

    func readSteps(_ node: YAMLNode) -> [CaseStep] {
        let items = context.items(of: node, what: "'steps'") ?? []
        if items.count > Limits.stepsPerCase {
            context.error(
                .limitEntries,
                "a case has at most \(Limits.stepsPerCase) steps",
                at: items[Limits.stepsPerCase].range
            )
        }
        let steps = items.prefix(Limits.stepsPerCase).compactMap(readStep)
        let capsules = steps.filter { if case .capsule = $0.action { true } else { false } }
        if capsules.count > 1 {
            context.findings.add(
                .error,
                FindingCode.caseStep.rawValue,
                "a case plays one capsule at most",
                capsules[1].range,
                []
            )
        }
        return steps
    }

    func readStep(_ node: YAMLNode) -> CaseStep? {
        guard var reader = MappingReader(node, context, what: "a step") else { return nil }
        let kinds = Self.kinds.filter { reader.has($0) }
        guard let kind = kinds.first, kinds.count == 1 else {
            let message = kinds.isEmpty ? "a step says what happens" : "a step is one thing that happens"
            context.error(.caseStep, message, at: reader.headRange, notes: ["it has one of \(Self.kinds.listed)"])
            return nil
        }
        let id = reader.text("id")
        if let id, !context.checkIdentifier(id, what: "the id") { return nil }
        let expectation = reader.value("expect").map { readExpectation($0, ofStep: true) } ?? CaseExpectation()
        let action = readAction(kind, &reader)
        reader.finish()
        guard let action else { return nil }
        return CaseStep(
            action: action,
            id: id?.value,
            expectation: expectation,
            range: context.text.range(reader.headRange),
            extent: context.text.range(node.range)
        )
    }

    private func readAction(_ kind: String, _ reader: inout MappingReader) -> CaseStep.Action? {
        switch kind {
        case "page":
            let flow = readFlow("page", &reader) { $0.kind == .page }
            let caller = reader.value("as").flatMap(readCaller)
            let key = reader.value("key").flatMap { template(of: $0, "'key'") }
            let input = reader.value("input").flatMap { value(of: $0) }
            return flow.map { .page(flow: $0, input: input, caller: caller, key: key) }
        case "run": return readRun(&reader)
        case "schedule": return readSchedule(&reader)
        case "send": return readSend(&reader)
        case "capsule":
            guard let node = reader.required("capsule"), case .file(let name, _)? = readBody(node, file: true) else {
                return nil
            }
            return .capsule(file: name)
        case "hook": return readHook(&reader)
        case "stripe":
            let type = reader.requiredText("stripe")
            let changes = reader.value("with").flatMap { value(of: $0) }
            return type.map { .stripeEvent(type: $0.value, changes: changes) }
        case "event":
            return reader.value("event").flatMap { readBody($0, file: true) }.map { .stripeDelivery(body: $0) }
        case "pay":
            let secret = reader.value("pay").flatMap { template(of: $0, "'pay'") }
            let card = reader.value("card").flatMap { template(of: $0, "'card'") }
            return secret.map { .pay(secret: $0, card: card ?? .constant("pm_card_visa")) }
        case "call": return readCall(&reader)
        default:
            return reader.value("advance").flatMap { duration(of: $0, what: "'advance'") }.map { .advance($0) }
        }
    }

    private func readFlow(
        _ key: String,
        _ reader: inout MappingReader,
        fits: (FlowGraph) -> Bool
    ) -> String? {
        guard let name = reader.requiredText(key) else { return nil }
        guard let flow = app.flows[name.value] else {
            context.error(
                .flowUnknown,
                "there is no flow '\(name.value)'",
                at: name.range,
                notes: context.likely(name.value, among: app.flows.keys.sorted())
            )
            return nil
        }
        guard fits(flow) else {
            let way = flow.kind == .page ? "a page flow: 'page' calls it" : "a cloud flow with another trigger"
            context.error(.flowNotCallable, "'\(name.value)' is \(way)", at: name.range)
            return nil
        }
        return name.value
    }

    private func readRun(_ reader: inout MappingReader) -> CaseStep.Action? {
        let flow = readFlow("run", &reader) { $0.kind == .cloud }
        let input = reader.value("input").flatMap { value(of: $0) }
        let trigger = reader.value("trigger").flatMap { value(of: $0) }
        let caller = reader.value("as").flatMap(readCaller)
        guard let flow else { return nil }
        if let graph = app.flows[flow], graph.trigger != .manual, trigger == nil {
            context.error(
                .flowNotCallable,
                "'\(flow)' is started by its trigger",
                at: reader.headRange,
                notes: ["say in 'trigger' what that brings, or let it happen with one of \(Self.kinds.listed)"]
            )
            return nil
        }
        return .run(flow: flow, input: input, trigger: trigger, caller: caller)
    }

    private func readSchedule(_ reader: inout MappingReader) -> CaseStep.Action? {
        let flow = readFlow("schedule", &reader) { if case .schedule = $0.trigger { true } else { false } }
        let moment = reader.text("at")
        guard let flow else { return nil }
        guard let moment else { return .schedule(flow: flow, at: nil) }
        guard let time = Timestamp(rfc3339: moment.value) else {
            context.error(
                .caseTime,
                "'at' is a time with its zone",
                at: moment.range,
                notes: ["such as 2026-11-20T12:00:00Z"]
            )
            return nil
        }
        return .schedule(flow: flow, at: time)
    }

    private func readSend(_ reader: inout MappingReader) -> CaseStep.Action? {
        let event = reader.requiredText("send")
        let key = reader.value("key").flatMap { template(of: $0, "'key'") }
        let data = reader.value("data").flatMap { value(of: $0) }
        let caller = reader.value("as").flatMap(readCaller)
        guard let event else { return nil }
        guard app.events.contains(where: { $0.name == event.value }) else {
            context.error(
                .eventUnknown,
                "app.yaml declares no event '\(event.value)'",
                at: event.range,
                notes: context.likely(event.value, among: app.events.map(\.name))
            )
            return nil
        }
        return .send(event: event.value, key: key, data: data, caller: caller)
    }

    private func readHook(_ reader: inout MappingReader) -> CaseStep.Action? {
        let flow = readFlow("hook", &reader) { if case .webhook = $0.trigger { true } else { false } }
        let file = reader.value("file").flatMap { readBody($0, file: true) }
        let body = reader.value("body").flatMap { readBody($0, file: false) }
        let headers = reader.value("headers").flatMap { context.pairs(of: $0, what: "'headers'") } ?? []
        let query = reader.value("query").flatMap { context.pairs(of: $0, what: "'query'") } ?? []
        let hook = { (name: String) in
            HookStep(
                flow: name,
                body: file ?? body,
                headers: templates.named(headers),
                query: templates.named(query)
            )
        }
        return flow.map { .hook(hook($0)) }
    }

    /// A mapping or list is the body itself; with `file`, a text names a file of the app.
    private func readBody(_ node: YAMLNode, file isFile: Bool) -> CaseBody? {
        if isFile, node.scalar != nil {
            guard let path = context.text(of: node, what: "a file") else { return nil }
            let parts = path.value.split(separator: "/", omittingEmptySubsequences: false)
            guard !path.value.hasPrefix("/"), !parts.contains("..") else {
                context.error(.caseFile, "a case reads files of its app alone", at: path.range)
                return nil
            }
            return .file(path.value, context.text.range(path.range))
        }
        return value(of: node).map(CaseBody.value)
    }

    private func readCall(_ reader: inout MappingReader) -> CaseStep.Action? {
        guard let node = reader.required("call"), let text = context.text(of: node, what: "'call'") else { return nil }
        let words = text.value.split(separator: " ", maxSplits: 1).map(String.init)
        let form = reader.value("with").flatMap { value(of: $0) }
        guard words.count == 2, words[1].hasPrefix("/v1/") else {
            context.error(
                .valueChoice,
                "a call to Stripe is named by its method and path",
                at: text.range,
                notes: ["such as 'POST /v1/refunds'"]
            )
            return nil
        }
        guard let template = template(of: node, "'call'") else { return nil }
        return .stripeCall(method: words[0].uppercased(), path: template, form: form)
    }

    // MARK: What goes wrong

    func readDisturbances(_ node: YAMLNode) -> [PlacedDisturbance] {
        (context.items(of: node, what: "'disturb'") ?? []).compactMap { item in
            guard var reader = MappingReader(item, context, what: "a disturbance") else { return nil }
            let disturbance = readDisturbance(&reader)
            reader.finish()
            return disturbance.map { PlacedDisturbance($0, range: context.text.range(item.range)) }
        }
    }

    private func readDisturbance(_ reader: inout MappingReader) -> Disturbance? {
        if let event = reader.text("twice") {
            return .twice(CaseEvent(type: event.value, number: number(&reader)))
        }
        if let event = reader.text("late") {
            let by = reader.int("by", in: 0...1_000_000)?.value ?? 0
            return .late(CaseEvent(type: event.value, number: number(&reader)), by: Int(by))
        }
        if let event = reader.text("together") {
            guard let other = reader.requiredText("with") else { return nil }
            let number = number(&reader)
            let withNumber = Int(reader.int("withNumber", in: 1...1_000_000)?.value ?? 1)
            return .together(
                CaseEvent(type: event.value, number: number),
                with: CaseEvent(type: other.value, number: withNumber),
                isInterleaved: reader.bool("interleaved")?.value ?? false
            )
        }
        if let request = reader.int("request", in: 1...1_000_000) {
            guard let trouble = reader.choice("meets", of: Trouble.self) else {
                context.error(.keyMissing, "a request says what it 'meets'", at: reader.headRange)
                return nil
            }
            return .trouble(request: Int(request.value), trouble.value)
        }
        if let write = reader.int("kill", in: 1...10_000_000) {
            return .kill(write: Int(write.value), isDurable: reader.bool("durable")?.value ?? false)
        }
        context.error(
            .caseStep,
            "a disturbance says what goes wrong",
            at: reader.headRange,
            notes: ["it has one of 'twice', 'late', 'together', 'request' and 'kill'"]
        )
        return nil
    }

    private func number(_ reader: inout MappingReader) -> Int {
        Int(reader.int("number", in: 1...1_000_000)?.value ?? 1)
    }
}
