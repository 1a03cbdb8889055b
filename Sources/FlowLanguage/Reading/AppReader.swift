import Expressions

/// `app.yaml`, read and checked.
///
/// Flows are compiled against it.
struct AppModel {
    var name = ""
    var currency = "usd"
    /// Declared roles, and the built-in `admin` and `public`.
    var roles: [String] = ["admin", "public"]
    /// The app's own tables, then the system tables.
    var tables: [Table] = []
    var connections: [ConnectionDeclaration] = []
    var payments: PaymentsDeclaration?
    var events: [EventDeclaration] = []
    var invariants: [Invariant] = []

    func table(named name: String) -> Table? { tables.first { $0.name == name } }
}

/// Reads `app.yaml` into an `AppModel`; what is wrong is reported and left out.
struct AppReader {
    let context: FileContext
    let catalogue: Catalogue
    var model = AppModel()
    /// Names of tables whose declaration has mistakes: naming them elsewhere is no further mistake.
    var brokenTables: Set<String> = []
    /// What `references:` of columns name, checked when all tables are known.
    var references: [Located<String>] = []

    init(_ context: FileContext, catalogue: Catalogue) {
        self.context = context
        self.catalogue = catalogue
    }

    mutating func read(_ root: YAMLNode) -> AppModel {
        guard var reader = MappingReader(root, context, what: "app.yaml") else { return model }
        if let name = reader.requiredText("app"), context.checkKebab(name, what: "the app's name") {
            model.name = name.value
        }
        if let currency = reader.text("currency") { model.currency = readCurrency(currency) ?? model.currency }
        if let node = reader.value("roles") { readRoles(node) }
        let payments = reader.pair("payments")
        if let node = reader.value("tables") { readTables(node, hasPayments: payments != nil) }
        if payments != nil { model.tables += catalogue.paymentTables }
        checkReferences()
        if let node = reader.value("connections") { readConnections(node) }
        if let node = reader.value("events") { readEvents(node) }
        if let payments { readPayments(payments) }
        if let node = reader.value("invariants") { readInvariants(node) }
        reader.finish(unavailable: ["code", "capsules", "schedules"])
        return model
    }

    // MARK: Roles and currency

    func readCurrency(_ text: Located<String>) -> String? {
        if let currency = Currency(code: text.value) { return currency.code }
        context.error(
            .appCurrency,
            "'\(text.value)' is no currency that payments can be made in",
            at: text.range,
            notes: context.likely(text.value.lowercased(), among: Currency.all.map(\.code))
        )
        return nil
    }

    private mutating func readRoles(_ node: YAMLNode) {
        for role in context.texts(of: node, what: "'roles'") ?? [] {
            guard context.checkIdentifier(role, what: "the role") else { continue }
            if role.value == "admin" || role.value == "public" { continue }
            if model.roles.contains(role.value) {
                context.error(.appRoleTwice, "the role '\(role.value)' is listed twice", at: role.range)
                continue
            }
            model.roles.append(role.value)
        }
    }

    /// Known roles out of a list; unknown ones are findings.
    func readRoleList(_ node: YAMLNode, what: String) -> [String] {
        context.readRoleList(node, what: what, roles: model.roles).map(\.value)
    }

    // MARK: Invariants

    private mutating func readInvariants(_ node: YAMLNode) {
        let declarations = Declarations(variables: [.init("tables", .record(model.tables.asRecord))])
        let compiler = ExpressionCompiler(context)
        for item in context.items(of: node, what: "'invariants'") ?? [] {
            if let placed = compiler.bare(item, what: "an invariant", declarations: declarations) {
                model.invariants.append(Invariant(expression: placed.expression, range: placed.range))
            }
        }
    }

    // MARK: Payments

    private mutating func readPayments(_ pair: YAMLPair) {
        guard var reader = MappingReader(pair.value, context, what: "'payments'") else { return }
        var connection = ""
        var orderTable = ""
        if let name = reader.requiredText("connection") {
            connection = name.value
            if let declared = model.connections.first(where: { $0.name == name.value }) {
                if declared.service != "stripe" {
                    let message =
                        "payments need a connection of the service 'stripe'; '\(name.value)' is '\(declared.service)'"
                    context.error(.appPaymentsConnection, message, at: name.range)
                }
            } else {
                context.error(
                    .connectionUnknown,
                    "there is no connection '\(name.value)'",
                    at: name.range,
                    notes: context.likely(name.value, among: model.connections.map(\.name))
                )
            }
        }
        if let name = reader.requiredText("orderTable") {
            orderTable = name.value
            let table = model.table(named: name.value)
            if let table, table.isSystem {
                context.error(
                    .tableSystem,
                    "'\(name.value)' is a system table; orders are a table of the app",
                    at: name.range
                )
            } else if table == nil, !brokenTables.contains(name.value) {
                let own = model.tables.filter { !$0.isSystem }.map(\.name)
                context.error(
                    .tableUnknown,
                    "there is no table '\(name.value)'",
                    at: name.range,
                    notes: context.likely(name.value, among: own)
                )
            }
        }
        let widgets =
            reader.value("widgets").map { readWidgets($0, orderTable: orderTable) } ?? []
        reader.finish()
        model.payments = PaymentsDeclaration(connection: connection, orderTable: orderTable, widgets: widgets)
    }

    private func readWidgets(_ node: YAMLNode, orderTable: String) -> [PaymentsDeclaration.Widget] {
        (context.pairs(of: node, what: "'widgets'") ?? []).compactMap { pair in
            let name = Located(value: pair.name, range: pair.key.range)
            guard context.checkKebab(name, what: "the widget"),
                var reader = MappingReader(pair.value, context, what: "a widget")
            else { return nil }
            let amountNode = reader.required("amount")
            let amount = amountNode.flatMap {
                context.int(of: $0, what: "'amount', in minor units,", in: 1...99_999_999)
            }
            let currency = reader.text("currency").flatMap { readCurrency($0) }
            reader.finish()
            guard checkWidget(name, orderTable: orderTable) else { return nil }
            return amount.map {
                PaymentsDeclaration.Widget(
                    name: name.value,
                    amount: $0.value,
                    currency: currency,
                    range: context.text.range(name.range)
                )
            }
        }
    }
}

extension FileContext {
    func readRoleList(_ node: YAMLNode, what: String, roles: [String]) -> [Located<String>] {
        (texts(of: node, what: what) ?? []).filter { role in
            if roles.contains(role.value) { return true }
            error(
                .roleUnknown,
                "there is no role '\(role.value)'",
                at: role.range,
                notes: likely(role.value, among: roles) + ["roles are declared under 'roles' in app.yaml"]
            )
            return false
        }
    }
}

extension Table {
    /// What an expression sees of a row.
    var recordType: RecordType {
        var fields: [String: RecordType.Field] = ["id": RecordType.Field(.int)]
        if isSystem {
            fields["createdAt"] = RecordType.Field(.timestamp)
            fields["updatedAt"] = RecordType.Field(.timestamp)
        }
        for column in columns {
            let type = column.type.declaredType(
                isNullable: column.isOptional,
                isStored: true,
                allowed: column.allowed
            )
            fields[column.name] = RecordType.Field(type)
        }
        return RecordType(name: name, fields: fields)
    }

    /// The column of that name, the built-in ones included.
    func anyColumn(named name: String) -> Column? {
        if name == "id" { return Column(name: "id", type: .int) }
        if isSystem, name == "createdAt" || name == "updatedAt" { return Column(name: name, type: .timestamp) }
        return column(named: name)
    }

    var columnNames: [String] { ["id"] + (isSystem ? ["createdAt", "updatedAt"] : []) + columns.map(\.name) }
}
