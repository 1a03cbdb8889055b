import Expressions

// What starts the flow, and what its expressions see of it.
extension FlowCompiler {
    static func triggerType(
        _ source: FlowSource,
        _ environment: FlowEnvironment
    ) -> (type: ExpressionType, note: String?) {
        func record(_ fields: [String: RecordType.Field]) -> (type: ExpressionType, note: String?) {
            (.record(RecordType(name: "trigger", fields: fields)), nil)
        }
        switch source.trigger?.trigger {
        case .webhook:
            return record([
                "body": .init(.dynamic), "headers": .init(.map(.string, .string)),
                "query": .init(.map(.string, .string)), "method": .init(.string), "receivedAt": .init(.timestamp),
            ])
        case .callback, .stripe: return record(["event": .init(.dynamic)])
        case .schedule: return record(["scheduledAt": .init(.timestamp), "firedAt": .init(.timestamp)])
        case .table(let trigger):
            let row = environment.model.table(named: trigger.table).map { ExpressionType.record($0.recordType) }
            return record([
                "old": field(row ?? .dynamic, missingOn: .insert, trigger),
                "new": field(row ?? .dynamic, missingOn: .delete, trigger),
                "change": .init(.string),
            ])
        case .manual: return (.dynamic, "a flow that is started by hand has no 'trigger'; read 'input'")
        case nil:
            guard source.kind == .page else { return (.dynamic, nil) }
            return (.dynamic, "a page flow has no 'trigger'; read 'input'")
        }
    }

    private static func field(
        _ type: ExpressionType,
        missingOn change: TableTrigger.Change,
        _ trigger: TableTrigger
    ) -> RecordType.Field {
        let word = change == .insert ? "old" : "new"
        guard trigger.changes.contains(change) else { return .init(type) }
        let isAlone = trigger.changes == [change]
        return .init(
            type,
            presence: isAlone ? .unavailable : .sometimes,
            note: "'\(word)' is not there on \(change.rawValue)"
        )
    }

    func compileTrigger() -> Trigger? {
        guard let written = source.trigger else { return nil }
        let scope = scopes.scope(FlowState(), order: -1, inFail: false)
        switch written.trigger {
        case .webhook(var hook):
            hook.answer = written.answer(of: hook, responds: hasRespond)
            guard let node = written.eventID else { return .webhook(hook) }
            let placed = ExpressionCompiler(context).bare(node, what: "'eventId'", scope: scope, expected: .string)
            hook.eventID = placed?.expression
            return .webhook(hook)
        case .table(var trigger):
            guard let name = written.table, isKnown(name) else { return written.trigger }
            tables.insert(name.value)
            if let node = written.when {
                let scope = scopes.startScope()
                let placed = ExpressionCompiler(context).bare(node, what: "'when'", scope: scope, expected: .bool)
                trigger.when = placed?.expression
            } else {
                warnOfLoop(trigger, at: name.range)
            }
            return .table(trigger)
        case .stripe:
            if !environment.model.connections.contains(where: { $0.service == "stripe" }) {
                context.error(
                    .stripeEvents,
                    "the app has no connection of the service 'stripe' to verify events with",
                    at: written.range
                )
            }
            return written.trigger
        case .callback:
            if environment.model.payments == nil {
                context.warning(
                    .commandNeedsPayments,
                    "without 'payments' in app.yaml nothing ever starts this flow",
                    at: written.range,
                    notes: ["run 'runnel payments activate'"]
                )
            }
            return written.trigger
        case .manual, .schedule: return written.trigger
        }
    }

    private var hasRespond: Bool {
        nodes.contains { node in
            if case .respond? = node?.action { true } else { false }
        }
    }

    private func isKnown(_ table: Located<String>) -> Bool {
        if environment.model.table(named: table.value) != nil { return true }
        if !environment.brokenTables.contains(table.value) {
            context.error(
                .tableUnknown,
                "there is no table '\(table.value)'",
                at: table.range,
                notes: context.likely(table.value, among: environment.model.tables.map(\.name))
            )
        }
        return false
    }

    /// A flow that makes the change that starts it.
    private func warnOfLoop(_ trigger: TableTrigger, at range: Range<Int>) {
        let changes = nodes.compactMap { $0 }.contains { node in
            switch node.action {
            case .insertRecord(let insert): insert.table == trigger.table && trigger.changes.contains(.insert)
            case .upsertRecord(let upsert):
                upsert.table == trigger.table && !trigger.changes.isDisjoint(with: [.insert, .update])
            case .updateRecord(let update): update.table == trigger.table && trigger.changes.contains(.update)
            case .deleteRecord(let delete): delete.table == trigger.table && trigger.changes.contains(.delete)
            default: false
            }
        }
        guard changes else { return }
        context.warning(
            .tableTriggerLoop,
            "the flow makes the change that starts it: each run starts another one",
            at: range,
            notes: ["a 'when' on the trigger tells the two apart"]
        )
    }

    /// The key sees what is known before the run is: its input, its trigger and its caller.
    func compileConcurrency() -> ConcurrencyLimit? {
        guard let written = source.concurrency else { return nil }
        if case .callback? = source.trigger?.trigger {
            let place = written.key?.range ?? source.name.range
            context.error(.concurrencyPlace, "callbacks of one payment go one at a time already", at: place)
            return nil
        }
        guard let node = written.key else { return ConcurrencyLimit(key: nil, limit: written.limit) }
        let scope = scopes.startScope()
        let placed = ExpressionCompiler(context).bare(node, what: "'key'", scope: scope, expected: .dynamic)
        guard let placed else { return nil }
        return ConcurrencyLimit(key: placed, limit: written.limit)
    }
}
