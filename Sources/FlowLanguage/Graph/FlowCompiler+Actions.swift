import Expressions

extension FlowCompiler {
    // MARK: Connections

    func compileCommand(
        _ block: BlockSource,
        _ connection: Located<String>?,
        _ command: Located<String>?,
        _ data: YAMLNode?,
        _ effect: Effect?,
        _ templates: TemplateCompiler,
        _ body: inout Body
    ) {
        body.output = .dynamic
        guard let connection else { return }
        let model = environment.model
        guard let declared = model.connections.first(where: { $0.name == connection.value }) else {
            let near = context.likely(connection.value, among: model.connections.map(\.name))
            context.error(
                .connectionUnknown,
                "there is no connection '\(connection.value)'",
                at: connection.range,
                notes: near.isEmpty ? ["connections are declared in app.yaml"] : near
            )
            return
        }
        guard let command, let service = environment.catalogue.service(named: declared.service) else { return }
        guard let declaration = service.command(named: command.value) else {
            let names = service.commands.map(\.name)
            let near = context.likely(command.value, among: names)
            context.error(
                .commandUnknown,
                "the service '\(service.name)' has no command '\(command.value)'",
                at: command.range,
                notes: near.isEmpty && !names.isEmpty ? ["its commands are \(names.listed)"] : near
            )
            return
        }
        body.output = .record(declaration.output)
        if declaration.needsPayments, model.payments == nil {
            context.error(
                .commandNeedsPayments,
                "'\(command.value)' needs 'payments' in app.yaml",
                at: command.range,
                notes: ["run 'runnel payments activate'"]
            )
        }
        checkAccess(declaration, of: declared, at: command)
        let values = compileData(declaration, of: service, data, command, templates)
        body.action = .command(
            CommandBlock(
                connection: connection.value,
                service: service.name,
                command: command.value,
                data: values,
                effect: effect ?? declaration.effect
            )
        )
    }

    /// A page that is open to roles to which one of its commands is closed fails for them each time.
    private func checkAccess(
        _ command: CommandDeclaration,
        of connection: ConnectionDeclaration,
        at place: Located<String>
    ) {
        guard source.kind == .page, let access = source.access else { return }
        let granted = connection.access[command.name] ?? []
        guard !granted.contains("public") else { return }
        let refused = access.map(\.value).filter { $0 != "admin" && !granted.contains($0) }
        guard !refused.isEmpty else { return }
        context.warning(
            .accessCommand,
            "the page is open to \(refused.listed), but '\(connection.name)' does not grant them '\(command.name)'",
            at: place.range,
            notes: ["grant it under 'access' of the connection in app.yaml, or close the page to them"]
        )
    }

    /// The same of another page that it runs: a sub-flow's access is checked against the first caller.
    private func checkAccess(_ callee: FlowEnvironment.Signature, of flow: Located<String>) {
        guard source.kind == .page, callee.kind == .page, let access = source.access,
            !callee.access.contains("public")
        else { return }
        let refused = access.map(\.value).filter { $0 != "admin" && !callee.access.contains($0) }
        guard !refused.isEmpty else { return }
        context.warning(
            .accessCommand,
            "the page is open to \(refused.listed), but '\(flow.value)', which it runs, is closed to them",
            at: flow.range,
            notes: ["add them to the access of '\(flow.value)', or close this page to them"]
        )
    }

    private func compileData(
        _ command: CommandDeclaration,
        of service: ServiceDeclaration,
        _ data: YAMLNode?,
        _ place: Located<String>,
        _ templates: TemplateCompiler
    ) -> [NamedTemplate] {
        let pairs = data.flatMap { context.pairs(of: $0, what: "'data'") } ?? []
        var values: [NamedTemplate] = []
        var hasUnknown = false
        for pair in pairs {
            guard let parameter = command.parameters.first(where: { $0.name == pair.name }) else {
                hasUnknown = true
                let names = command.parameters.map(\.name)
                let near = context.likely(pair.name, among: names)
                context.error(
                    .parameterUnknown,
                    "'\(command.name)' takes no '\(pair.name)'",
                    at: pair.key.range,
                    notes: near.isEmpty && !names.isEmpty ? ["it takes \(names.listed)"] : near
                )
                continue
            }
            let expectation = Expectation(
                type: parameter.type,
                what: "'\(pair.name)'",
                allowed: parameter.allowed,
                allowsNull: false
            )
            if let value = templates.compile(pair.value, expectation) {
                // What another service calls an amount may be anything.
                if service.name == "stripe" { checkMoney(value.template, pair, parameter, of: command) }
                values.append(NamedTemplate(name: pair.name, value: value.template))
            }
        }
        let missing = command.parameters.filter { parameter in
            parameter.isRequired && !pairs.contains { $0.name == parameter.name }
        }
        if !missing.isEmpty, !hasUnknown, data?.isUnreadable != true {
            context.error(
                .parameterMissing,
                "'\(command.name)' needs \(missing.map(\.name).listed) in 'data'",
                at: pairs.first?.key.range ?? place.range
            )
        } else if !hasUnknown, values.count == pairs.count, let fault = command.inspect?(values) {
            let near = context.likely(fault.given, among: fault.known)
            context.error(
                .commandData,
                fault.message,
                at: pairs.first { $0.name == fault.parameter }?.value.range ?? place.range,
                notes: fault.given.isEmpty ? [] : near
            )
        }
        return values
    }

    /// What can be known of an amount and a currency before they are sent.
    private func checkMoney(
        _ value: ValueTemplate,
        _ pair: YAMLPair,
        _ parameter: ParameterDeclaration,
        of command: CommandDeclaration
    ) {
        guard case .constant(let constant) = value, parameter.type == .int || parameter.type == .string else { return }
        switch (parameter.name, constant) {
        case ("currency", .string(let code)) where Currency(code: code) == nil:
            let near = context.likely(code.lowercased(), among: Currency.all.map(\.code))
            context.error(
                .appCurrency,
                "'\(code)' is no currency that payments can be made in",
                at: pair.value.range,
                notes: near.isEmpty ? ["currencies have three letters, such as usd and eur"] : near
            )
        // An amount that is lowered may be lowered to nothing.
        case ("amount", .int(let amount)) where amount < 0 || amount == 0 && command.name != "lower-recurring-amount":
            context.error(
                .valueRange,
                "'amount' is \(amount), but an amount is greater than zero",
                at: pair.value.range,
                notes: ["it counts minor units: 1999 is 19.99 usd"]
            )
        default: break
        }
    }

    // MARK: Callbacks and sub-flows

    func compileCallbackHandler(_ block: BlockSource, _ body: inout Body) {
        callbackHandlers += 1
        body.output = .dynamic
        guard case .callback(let trigger)? = source.trigger?.trigger else {
            context.error(
                .callbackHandlerPlace,
                "'callback-handler' stands in flows behind a callback alone, such as 'trigger: { payment: completed }'",
                at: block.word.range
            )
            return
        }
        if callbackHandlers > 1 {
            context.error(.callbackHandlerTwice, "a flow asks 'callback-handler' once", at: block.word.range)
        }
        if let output = environment.catalogue.callbackOutputs[trigger] {
            body.output = .record(withStates(output, of: trigger))
        }
        body.action = .callbackHandler
    }

    /// The callback's output, in which the state takes the values of the table that holds it.
    private func withStates(_ output: RecordType, of trigger: CallbackTrigger) -> RecordType {
        let place: (field: String, table: String)
        switch trigger {
        case .paymentCompleted: place = ("paymentStatus", "payments")
        case .refundCompleted: place = ("status", "refunds")
        case .recurringManaged: place = ("status", "recurring_payments")
        case .recurringCharged, .recurringDue: return output
        }
        let table = environment.catalogue.paymentTables.first { $0.name == place.table }
        guard let allowed = table?.column(named: "status")?.allowed, let field = output.fields[place.field] else {
            return output
        }
        var output = output
        output.fields[place.field]?.type = field.type.plain.declared(.init(allowed: allowed))
        return output
    }

    func compileRunFlow(
        _ block: BlockSource,
        _ flow: Located<String>?,
        _ input: [YAMLPair],
        _ inputRange: Range<Int>?,
        _ mode: RunFlowBlock.Mode,
        _ templates: TemplateCompiler,
        _ body: inout Body
    ) {
        body.output = .dynamic
        guard let flow else { return }
        guard let signature = environment.flows[flow.value] else {
            context.error(
                .flowUnknown,
                "there is no flow '\(flow.value)'",
                at: flow.range,
                notes: context.likely(flow.value, among: environment.flows.keys)
            )
            return
        }
        if let trigger = signature.trigger, trigger != .manual {
            context.error(
                .flowNotCallable,
                "'\(flow.value)' is started by its trigger alone; a flow to be run has 'trigger: { manual: true }' or is a page",
                at: flow.range
            )
        }
        checkAccess(signature, of: flow)
        if flow.value == source.name.value, mode == .wait {
            context.error(.flowCallsItself, "the flow runs itself and waits for it: it would never end", at: flow.range)
        }
        var hasUnknown = false
        var values: [NamedTemplate] = []
        for pair in input {
            guard let declared = signature.inputs.first(where: { $0.name == pair.name }) else {
                hasUnknown = true
                context.error(
                    .inputUnknown,
                    "'\(flow.value)' takes no input '\(pair.name)'",
                    at: pair.key.range,
                    notes: context.likely(pair.name, among: signature.inputs.map(\.name))
                )
                continue
            }
            let expectation = Expectation(
                type: declared.type.expressionType,
                what: "'\(pair.name)'",
                allowed: declared.allowed,
                allowsNull: declared.isOptional
            )
            if let value = templates.compile(pair.value, expectation) {
                values.append(NamedTemplate(name: pair.name, value: value.template))
            }
        }
        let missing = signature.inputs.filter { declared in
            !declared.isOptional && declared.defaultValue == nil && !input.contains { $0.name == declared.name }
        }
        if !missing.isEmpty, !hasUnknown {
            let place = input.first?.key.range ?? inputRange ?? flow.range
            context.error(.inputMissing, "'\(flow.value)' needs the input \(missing.map(\.name).listed)", at: place)
        }
        let fields = mode == .start ? ["run": .init(.int)] : Self.fields(of: signature)
        body.output = .record(RecordType(name: flow.value, fields: fields))
        body.action = .runFlow(RunFlowBlock(flow: flow.value, input: values, mode: mode))
    }

    /// What a flow that was waited for gives.
    private static func fields(of callee: FlowEnvironment.Signature) -> [String: RecordType.Field] {
        var fields: [String: RecordType.Field] = [:]
        for name in callee.outputs where fields[name] == nil {
            let note = callee.lacking[name]
            fields[name] = .init(.dynamic, presence: note == nil ? .always : .sometimes, note: note)
        }
        return fields
    }

    // MARK: Records

    /// The table a record block names; nil, with a finding, when there is none.
    private func table(_ record: RecordSource) -> Table? {
        guard let name = record.table else { return nil }
        tables.insert(name.value)
        if let table = environment.model.table(named: name.value) { return table }
        if environment.brokenTables.contains(name.value) { return nil }
        let near = context.likely(name.value, among: environment.model.tables.map(\.name))
        context.error(
            .tableUnknown,
            "there is no table '\(name.value)'",
            at: name.range,
            notes: near.isEmpty ? ["tables are declared in app.yaml"] : near
        )
        return nil
    }

    private func writableTable(_ record: RecordSource) -> Table? {
        guard let table = table(record), let name = record.table else { return nil }
        guard table.isSystem else { return table }
        context.error(
            .tableSystem,
            "'\(table.name)' is a system table: flows read it, Runnel alone writes it",
            at: name.range
        )
        return nil
    }

    func compileFind(
        _ record: RecordSource,
        _ order: [OrderSource],
        _ limit: Int?,
        isMany: Bool,
        _ scope: ExpressionScope,
        _ body: inout Body
    ) {
        body.output = .dynamic
        guard let table = table(record) else { return }
        let compiler = RecordCompiler(context, scope: scope, table: table)
        let conditions = record.conditions.map { compiler.conditions($0, isRequired: false) } ?? []
        let find = FindBlock(
            table: table.name,
            conditions: conditions,
            order: order.compactMap { item in
                compiler.column(item.column).map { .init(column: $0.name, descending: item.isDescending) }
            },
            limit: isMany ? limit ?? FindBlock.unlimited : 1
        )
        if isMany {
            let fields: [String: RecordType.Field] = [
                "items": .init(.list(.record(table.recordType))), "count": .init(.int),
            ]
            body.output = .record(RecordType(name: "find-records", fields: fields))
            body.action = .findRecords(find)
        } else {
            body.output = .record(table.recordType)
            body.action = .findRecord(find)
        }
    }

    func compileInsert(_ record: RecordSource, _ scope: ExpressionScope, _ body: inout Body) {
        body.output = .dynamic
        guard let table = writableTable(record) else { return }
        body.output = .record(table.recordType)
        let compiler = RecordCompiler(context, scope: scope, table: table)
        let set = record.set.map { compiler.assignments($0, isInsert: true) } ?? []
        body.action = .insertRecord(InsertBlock(table: table.name, set: set))
    }

    func compileUpsert(_ record: RecordSource, _ on: Located<String>?, _ scope: ExpressionScope, _ body: inout Body) {
        body.output = .dynamic
        guard let table = writableTable(record) else { return }
        body.output = .record(table.recordType)
        let compiler = RecordCompiler(context, scope: scope, table: table)
        let set = record.set.map { compiler.assignments($0, isInsert: true) } ?? []
        warnAboutPaymentState(table, set, record)
        guard let on, let column = compiler.column(on) else { return }
        guard column.isUnique, column.name != "id" else {
            let unique = table.columns.filter(\.isUnique).map(\.name)
            context.error(
                .upsertColumn,
                "'\(column.name)' is not unique, so it does not tell which row is meant",
                at: on.range,
                notes: unique.isEmpty ? ["declare it with 'unique: true'"] : ["unique are \(unique.listed)"]
            )
            return
        }
        let pairs = record.set.flatMap { context.pairs(of: $0, what: "'set'") } ?? []
        guard pairs.contains(where: { $0.name == column.name }) else {
            context.error(.upsertColumn, "'set' gives no value for '\(column.name)'", at: on.range)
            return
        }
        body.action = .upsertRecord(UpsertBlock(table: table.name, set: set, on: column.name))
    }

    func compileUpdate(
        _ record: RecordSource,
        _ expect: Int?,
        _ block: BlockSource,
        _ scope: ExpressionScope,
        _ body: inout Body
    ) {
        body.output = Self.changed
        guard let table = writableTable(record) else { return }
        let compiler = RecordCompiler(context, scope: scope, table: table)
        let conditions = record.conditions.map { compiler.conditions($0, isRequired: true) } ?? []
        let set = record.set.map { compiler.assignments($0, isInsert: false) } ?? []
        warnAboutPaymentState(table, set, record)
        body.action = .updateRecord(
            UpdateBlock(table: table.name, conditions: conditions, set: set, expect: expect)
        )
    }

    /// A page can be forged: what it says about a payment proves nothing.
    private func warnAboutPaymentState(_ table: Table, _ set: [ColumnAssignment], _ record: RecordSource) {
        guard source.kind == .page, table.name == environment.model.payments?.orderTable else { return }
        guard let pairs = record.set.flatMap({ context.pairs(of: $0, what: "'set'") }) else { return }
        for pair in pairs where !(table.column(named: pair.name)?.allowed.isEmpty ?? true) {
            context.warning(
                .pagePaymentState,
                "a page flow changes '\(pair.name)' of an order: pages can be forged",
                at: pair.key.range,
                notes: ["if it tells whether the order is paid, change it in the payment callback"]
            )
        }
    }

    func compileDelete(
        _ record: RecordSource,
        _ expect: Int?,
        _ block: BlockSource,
        _ scope: ExpressionScope,
        _ body: inout Body
    ) {
        body.output = Self.changed
        guard let table = writableTable(record) else { return }
        let compiler = RecordCompiler(context, scope: scope, table: table)
        let conditions = record.conditions.map { compiler.conditions($0, isRequired: true) } ?? []
        body.action = .deleteRecord(DeleteBlock(table: table.name, conditions: conditions, expect: expect))
    }

    private static let changed = ExpressionType.record(RecordType(name: "changed", fields: ["changed": .init(.int)]))
}
