import Expressions

extension AppReader {
    mutating func readTables(_ node: YAMLNode, hasPayments: Bool) {
        let pairs = context.pairs(of: node, what: "'tables'") ?? []
        if pairs.count > Limits.tables {
            context.error(
                .limitTables,
                "an app has at most \(Limits.tables) tables",
                at: pairs[Limits.tables].key.range
            )
        }
        for pair in pairs.prefix(Limits.tables) {
            let name = Located(value: pair.name, range: pair.key.range)
            guard context.checkIdentifier(name, what: "the table") else { continue }
            let lower = name.value.lowercased()
            if lower.hasPrefix("runnel_") || lower.hasPrefix("sqlite_") || lower == "runs" {
                context.error(.tableReserved, "the name '\(name.value)' is reserved for Runnel", at: name.range)
                continue
            }
            if hasPayments, catalogue.paymentTables.contains(where: { $0.name == name.value }) {
                let message = "'\(name.value)' is a system table that 'payments' brings; an app cannot declare it"
                context.error(.tableReserved, message, at: name.range)
                continue
            }
            if let other = model.tables.first(where: { $0.name.lowercased() == lower && $0.name != name.value }) {
                let message = "the tables '\(other.name)' and '\(name.value)' differ in case alone"
                context.error(.nameCase, message, at: name.range)
                continue
            }
            if let table = readTable(name, pair.value) {
                model.tables.append(table)
            } else {
                brokenTables.insert(name.value)
            }
        }
    }

    private mutating func readTable(_ name: Located<String>, _ node: YAMLNode) -> Table? {
        guard var reader = MappingReader(node, context, what: "a table") else { return nil }
        var columns: [Column] = []
        if let node = reader.required("columns") {
            let pairs = context.pairs(of: node, what: "'columns'") ?? []
            if pairs.count > Limits.columnsPerTable {
                let message = "a table has at most \(Limits.columnsPerTable) columns"
                context.error(.limitColumns, message, at: pairs[Limits.columnsPerTable].key.range)
            }
            for pair in pairs.prefix(Limits.columnsPerTable) {
                guard let column = readColumn(pair, among: columns) else { continue }
                columns.append(column)
            }
        }
        let access = reader.value("access").map { readAccess($0, columns: columns) } ?? TableAccess()
        var table = Table(name: name.value, columns: columns, access: access)
        // By it the rows of each caller are looked for, among everybody's.
        if let owner = columns.first(where: { $0.name == access.owner }), !owner.isUnique, owner.references == nil {
            table.indexes = [TableIndex(columns: [owner.name], isUnique: false)]
        }
        if let node = reader.value("indexes") { table.indexes += readIndexes(node, of: table) }
        reader.finish(unavailable: ["unique"])
        return table
    }

    /// Each entry is a column's name, or a list of names: rows are found by the first, among those by the second, and so on.
    private func readIndexes(_ node: YAMLNode, of table: Table) -> [TableIndex] {
        guard let items = context.items(of: node, what: "'indexes'") else { return [] }
        if items.count > Limits.indexesPerTable {
            let message = "a table has at most \(Limits.indexesPerTable) indexes"
            context.error(.limitIndexes, message, at: items[Limits.indexesPerTable].range)
        }
        let single = table.columns.filter { $0.isUnique || $0.references != nil }.map { [$0.name] }
        var known = Set(table.indexes.map(\.columns) + single)
        return items.prefix(Limits.indexesPerTable).compactMap { item in
            guard let columns = readIndex(item, of: table) else { return nil }
            guard known.insert(columns).inserted else {
                let message = "the table has an index over \(columns.listed) already"
                context.error(.indexTwice, message, at: item.range)
                return nil
            }
            return TableIndex(columns: columns, isUnique: false)
        }
    }

    private func readIndex(_ node: YAMLNode, of table: Table) -> [String]? {
        let names: [Located<String>]
        if case .sequence = node.content {
            guard let texts = context.texts(of: node, what: "an index") else { return nil }
            names = texts
        } else {
            guard let text = context.text(of: node, what: "an index of one column") else { return nil }
            names = [text]
        }
        if names.isEmpty {
            context.error(.indexColumn, "an index names at least one column", at: node.range)
            return nil
        }
        if names.count > Limits.columnsPerIndex {
            let message = "an index has at most \(Limits.columnsPerIndex) columns"
            context.error(.limitIndexes, message, at: names[Limits.columnsPerIndex].range)
            return nil
        }
        var columns: [String] = []
        for name in names {
            guard canBeIndexed(name, of: table) else { return nil }
            if columns.contains(name.value) {
                context.error(.indexTwice, "the index names '\(name.value)' twice", at: name.range)
                return nil
            }
            columns.append(name.value)
        }
        return columns
    }

    private func canBeIndexed(_ name: Located<String>, of table: Table) -> Bool {
        if name.value == "id" {
            context.error(.indexColumn, "'id' ends every index by itself", at: name.range)
            return false
        }
        guard let column = table.column(named: name.value) else {
            context.error(
                .columnUnknown,
                "the table has no column '\(name.value)'",
                at: name.range,
                notes: context.likely(name.value, among: table.columns.map(\.name))
            )
            return false
        }
        guard column.type != .json, column.type != .bytes else {
            let message = "'\(name.value)' is \(column.type.rawValue), which no index is over"
            context.error(.indexColumn, message, at: name.range)
            return false
        }
        return true
    }

    private mutating func readColumn(_ pair: YAMLPair, among columns: [Column]) -> Column? {
        let name = Located(value: pair.name, range: pair.key.range)
        guard context.checkIdentifier(name, what: "the column") else { return nil }
        if name.value.lowercased() == "id" {
            context.error(.columnReserved, "every table has 'id' by itself; it cannot be declared", at: name.range)
            return nil
        }
        if let other = columns.first(where: { $0.name.lowercased() == name.value.lowercased() }),
            other.name != name.value
        {
            let message = "the columns '\(other.name)' and '\(name.value)' differ in case alone"
            context.error(.nameCase, message, at: name.range)
            return nil
        }
        guard let shape = TypedShapeReader(context).read(pair.value, what: "a column", isColumn: true) else {
            return nil
        }
        if let table = shape.references { references.append(table) }
        return Column(
            name: name.value,
            type: shape.type,
            isOptional: shape.isOptional,
            isUnique: shape.isUnique,
            defaultValue: shape.defaultValue,
            allowed: shape.allowed,
            min: shape.min,
            max: shape.max,
            maxLength: shape.maxLength,
            references: shape.references?.value
        )
    }

    private func readAccess(_ node: YAMLNode, columns: [Column]) -> TableAccess {
        guard var reader = MappingReader(node, context, what: "'access' of a table") else { return TableAccess() }
        var access = TableAccess()
        if let node = reader.value("read") { access.read = readRoleList(node, what: "'read'") }
        if let node = reader.value("subscribe") { access.subscribe = readRoleList(node, what: "'subscribe'") }
        if let owner = reader.text("owner") {
            access.owner = owner.value
            if let column = columns.first(where: { $0.name == owner.value }) {
                if column.type != .string {
                    let message =
                        "'owner' is compared with the caller's id, a text; '\(owner.value)' is \(column.type.rawValue)"
                    context.error(.typeMismatch, message, at: owner.range)
                }
            } else {
                context.error(
                    .columnUnknown,
                    "the table has no column '\(owner.value)'",
                    at: owner.range,
                    notes: context.likely(owner.value, among: columns.map(\.name))
                )
            }
        }
        reader.finish()
        return access
    }

    /// `references:` may name a table that is declared later, so it is checked when all are known.
    func checkReferences() {
        for reference in references {
            guard model.table(named: reference.value) == nil, !brokenTables.contains(reference.value) else { continue }
            context.error(
                .tableUnknown,
                "there is no table '\(reference.value)'",
                at: reference.range,
                notes: context.likely(reference.value, among: model.tables.map(\.name))
            )
        }
    }
}
