/// Reads a flow file into a `FlowSource`; what is wrong is reported, and read on.
struct FlowReader {
    let context: FileContext
    let roles: [String]
    var titleKeys: Set<Int> = []
    var blockCount = 0

    init(_ context: FileContext, roles: [String]) {
        self.context = context
        self.roles = roles
    }

    mutating func read(_ root: YAMLNode) -> FlowSource? {
        guard var reader = MappingReader(root, context, what: "a flow") else { return nil }
        let name = reader.requiredText("flow")
        if let name, context.checkKebab(name, what: "the flow's name"), Names.reservedFlows.contains(name.value) {
            context.error(.nameReserved, "the name '\(name.value)' is reserved for the server", at: name.range)
        }
        let hasKind = reader.has("kind")
        let kind = reader.choice("kind", of: FlowGraph.Kind.self)
        if !hasKind { _ = reader.required("kind") }
        let title = readTitle(&reader)
        let access = reader.pair("access")
        let trigger = reader.pair("trigger")
        let inputs = reader.value("input").map { readInputs($0) } ?? []
        let output = reader.value("output")
        let outputs = output.map { context.pairs(of: $0, what: "'output'") ?? [] } ?? []
        for pair in outputs {
            _ = context.checkIdentifier(Located(value: pair.name, range: pair.key.range), what: "the output")
        }
        let blocks = reader.required("blocks").map { readBlocks($0, what: "'blocks'") }
        let timeout = reader.value("timeout").flatMap { readTimeout($0) }
        let concurrency = reader.value("concurrency").flatMap { readConcurrency($0) }
        let priority = reader.int("priority", in: -100...100)
        reader.finish(unavailable: ["retry"])
        let knownKind = kind?.value ?? (trigger == nil ? .page : .cloud)
        let triggerSource = trigger.flatMap { readTrigger($0.value) }
        if kind != nil {
            checkKind(
                knownKind,
                access: access,
                trigger: trigger,
                inputs: reader.headRangeIfPresent("input"),
                triggerSource,
                name
            )
        }
        guard let name else { return nil }
        return FlowSource(
            context: context,
            root: root,
            name: name,
            kind: knownKind,
            title: title,
            access: access.map { context.readRoleList($0.value, what: "'access'", roles: roles) },
            trigger: triggerSource,
            inputs: inputs,
            outputs: outputs,
            blocks: blocks ?? BlockList(blocks: [], range: name.range),
            timeout: timeout,
            concurrency: concurrency,
            priority: priority.map { Int($0.value) } ?? 0,
            titleKeys: titleKeys
        )
    }

    mutating func readTitle(_ reader: inout MappingReader) -> String? {
        guard let pair = reader.pair("title") else { return nil }
        titleKeys.insert(pair.key.range.lowerBound)
        return context.text(of: pair.value, what: "'title'")?.value
    }

    /// Whether callers with a token start the flow: then `access` says which.
    private static func isBearerHook(_ source: TriggerSource?) -> Bool {
        guard case .webhook(let hook)? = source?.trigger else { return false }
        return hook.authentication == .bearer
    }

    /// What only one of the two kinds has.
    private func checkKind(
        _ kind: FlowGraph.Kind,
        access: YAMLPair?,
        trigger: YAMLPair?,
        inputs: Range<Int>?,
        _ triggerSource: TriggerSource?,
        _ name: Located<String>?
    ) {
        switch kind {
        case .page:
            if let trigger {
                context.error(
                    .triggerOnPage,
                    "a page flow has no 'trigger': pages call it; a flow behind a trigger is of kind cloud",
                    at: trigger.key.range
                )
            }
        case .cloud:
            if let access, !Self.isBearerHook(triggerSource) {
                context.error(
                    .accessOnCloud,
                    "'access' belongs to page flows: a cloud flow is started by its trigger",
                    at: access.key.range,
                    notes: ["a web hook with 'auth: bearer' may have it: the roles whose tokens start the flow"]
                )
            }
            if trigger == nil, let name {
                context.error(
                    .triggerMissing,
                    "a cloud flow needs a 'trigger'",
                    at: name.range,
                    notes: ["such as 'trigger: { manual: true }' or 'trigger: { payment: completed }'"]
                )
            }
            if let inputs, let trigger = triggerSource?.trigger, trigger != .manual {
                context.error(
                    .inputWithTrigger,
                    "nobody gives inputs to a flow behind this trigger; read 'trigger' instead",
                    at: inputs
                )
            }
        }
    }

    func readInputs(_ node: YAMLNode, what: String = "'input'") -> [InputDeclaration] {
        (context.pairs(of: node, what: what) ?? []).compactMap { pair in
            let name = Located(value: pair.name, range: pair.key.range)
            guard context.checkIdentifier(name, what: "the input"),
                let shape = TypedShapeReader(context).read(pair.value, what: "an input", isColumn: false)
            else { return nil }
            return InputDeclaration(
                name: name.value,
                type: shape.type,
                isOptional: shape.isOptional,
                defaultValue: shape.defaultValue,
                allowed: shape.allowed,
                min: shape.min,
                max: shape.max,
                maxLength: shape.maxLength
            )
        }
    }
}

extension MappingReader {
    /// The place of a key, without counting it as asked for.
    func headRangeIfPresent(_ name: String) -> Range<Int>? {
        guard case .mapping(let pairs) = node.content else { return nil }
        return pairs.first { $0.name == name }?.key.range
    }
}

// MARK: Triggers

extension FlowReader {
    private func readTrigger(_ node: YAMLNode) -> TriggerSource? {
        let words = ["webhook", "payment", "refund", "recurring-payment", "schedule", "table", "stripe", "manual"]
        if let word = node.scalar?.text, words.contains(word) {
            let example =
                switch word {
                case "manual": "true"
                case "webhook": "{ auth: bearer }"
                case "recurring-payment": "managed"
                case "schedule": "{ every: 1h }"
                case "table": "{ name: orders, on: [insert] }"
                case "stripe": "[charge.dispute.created]"
                default: "completed"
                }
            context.error(
                .typeMapping,
                "'trigger' is written as a mapping; found text",
                at: node.range,
                notes: ["write { \(word): \(example) }"]
            )
            return nil
        }
        guard let pairs = context.pairs(of: node, what: "'trigger'") else { return nil }
        guard let pair = pairs.first else {
            context.error(
                .triggerMissing,
                "'trigger' names what starts the flow",
                at: node.range,
                notes: ["it is one of \(words.listed)"]
            )
            return nil
        }
        if pairs.count > 1 {
            context.error(.triggerSeveral, "a flow has one trigger", at: pairs[1].key.range)
        }
        switch pair.name {
        case "manual": return readManual(pair)
        case "payment": return readCallback(pair, .paymentCompleted)
        case "refund": return readCallback(pair, .refundCompleted)
        case "recurring-payment": return readRecurring(pair)
        case "webhook": return readWebhook(pair)
        case "schedule": return readSchedule(pair)
        case "table": return readTableTrigger(pair)
        case "stripe": return readStripe(pair)
        default:
            context.error(
                .triggerUnknown,
                "there is no trigger '\(pair.name)'",
                at: pair.key.range,
                notes: context.likely(pair.name, among: words) + ["triggers are \(words.listed)"]
            )
            return nil
        }
    }

    private func readManual(_ pair: YAMLPair) -> TriggerSource? {
        guard let value = context.bool(of: pair.value, what: "'manual'") else { return nil }
        if !value.value {
            context.error(.triggerManual, "'manual' can only be true", at: value.range)
        }
        return TriggerSource(trigger: .manual, range: pair.key.range)
    }

    private func readCallback(_ pair: YAMLPair, _ trigger: CallbackTrigger) -> TriggerSource? {
        guard let word = context.text(of: pair.value, what: "'\(pair.name)'") else { return nil }
        if word.value != "completed" {
            context.error(
                .triggerUnknown,
                "there is no trigger '\(pair.name): \(word.value)'",
                at: word.range,
                notes: ["write '\(pair.name): completed'"]
            )
            return nil
        }
        return TriggerSource(trigger: .callback(trigger), range: pair.key.range)
    }

    private func readRecurring(_ pair: YAMLPair) -> TriggerSource? {
        guard let word = context.text(of: pair.value, what: "'\(pair.name)'") else { return nil }
        switch word.value {
        case "managed": return TriggerSource(trigger: .callback(.recurringManaged), range: pair.key.range)
        case "due": return TriggerSource(trigger: .callback(.recurringDue), range: pair.key.range)
        case "charged": return TriggerSource(trigger: .callback(.recurringCharged), range: pair.key.range)
        default:
            context.error(
                .triggerUnknown,
                "there is no trigger '\(pair.name): \(word.value)'",
                at: word.range,
                notes: ["write '\(pair.name): managed', '\(pair.name): charged' or '\(pair.name): due'"]
            )
            return nil
        }
    }

    private func readWebhook(_ pair: YAMLPair) -> TriggerSource? {
        guard var reader = MappingReader(pair.value, context, what: "a web hook") else { return nil }
        var method = "POST"
        let methodText = reader.text("method")
        if let text = methodText {
            method = text.value
            if method != "POST", method != "GET" {
                context.error(
                    .valueChoice,
                    "'method' cannot be '\(text.value)'; it is one of 'POST' and 'GET'",
                    at: text.range,
                    notes: context.likely(text.value, among: ["POST", "GET"])
                )
            }
        }
        let hasAuthentication = reader.has("auth")
        let authentication = reader.choice("auth", of: WebhookTrigger.Authentication.self)
        if !hasAuthentication {
            context.error(
                .webhookAuth,
                "a web hook says how its senders prove who they are: 'auth'",
                at: pair.key.range,
                notes: ["'auth: none' lets anybody start the flow"]
            )
        }
        if let methodText, method == "GET", let authentication, authentication.value.signsBodies {
            context.error(
                .webhookMethod,
                "'auth: \(authentication.value.rawValue)' signs the body, and a GET has none",
                at: methodText.range,
                notes: ["write 'method: POST', or 'auth: bearer'"]
            )
        }
        let eventID = reader.value("eventId")
        let answer = reader.choice("answer", of: WebhookTrigger.Answer.self)
        reader.finish()
        let hook = WebhookTrigger(
            method: method,
            authentication: authentication?.value ?? .none,
            eventID: nil,
            answer: answer?.value ?? .atOnce
        )
        var source = TriggerSource(trigger: .webhook(hook), eventID: eventID, range: pair.key.range)
        source.hasAnswer = answer != nil
        return source
    }
}
