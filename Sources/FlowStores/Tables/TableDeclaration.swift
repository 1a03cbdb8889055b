import Expressions
import FlowEngine
import FlowLanguage

/// The form in which the applied declaration of a table is kept, to be compared with tomorrow's.
enum TableDeclaration {
    static func value(_ table: Table) -> Value {
        [
            "columns": .list(table.columns.map(column)),
            "read": names(table.access.read),
            "subscribe": names(table.access.subscribe),
            "owner": text(table.access.owner),
            "system": .bool(table.isSystem),
            "indexes": .list(table.indexes.map(index)),
        ]
    }

    private static func names(_ names: [String]) -> Value { .list(names.map { .string($0) }) }
    private static func text(_ text: String?) -> Value { text.map { .string($0) } ?? .null }
    private static func number(_ number: Int64?) -> Value { number.map { .int($0) } ?? .null }

    private static func column(_ column: Column) -> Value {
        [
            "name": .string(column.name),
            "type": .string(column.type.rawValue),
            "optional": .bool(column.isOptional),
            "unique": .bool(column.isUnique),
            "default": column.defaultValue ?? .null,
            "enum": names(column.allowed),
            "min": number(column.min),
            "max": number(column.max),
            "maxLength": number(column.maxLength.map { Int64($0) }),
            "references": text(column.references),
        ]
    }

    private static func index(_ index: TableIndex) -> Value {
        let condition: Value =
            index.when.map { ["column": .string($0.column), "values": names($0.values)] } ?? .null
        return ["columns": names(index.columns), "unique": .bool(index.isUnique), "when": condition]
    }

    /// - Throws: `.corrupt` when the form is not one of ours.
    static func table(_ form: Value, name: String) throws(StoreError) -> Table {
        var reader = Reader(table: name)
        let columns = reader.list(form["columns"]).map { column(&reader, $0) }
        let table = Table(
            name: name,
            columns: columns,
            access: TableAccess(
                read: reader.names(form["read"]),
                subscribe: reader.names(form["subscribe"]),
                owner: reader.text(form["owner"])
            ),
            isSystem: reader.flag(form["system"]),
            indexes: reader.list(form["indexes"]).map { index(&reader, $0) }
        )
        guard reader.isIntact else { throw StoredForms.corrupt("declaration of \(name)") }
        return table
    }

    private static func column(_ reader: inout Reader, _ form: Value) -> Column {
        Column(
            name: reader.required(reader.text(form["name"])) ?? "",
            type: reader.required(reader.text(form["type"]).flatMap(ColumnType.init)) ?? .json,
            isOptional: reader.flag(form["optional"]),
            isUnique: reader.flag(form["unique"]),
            defaultValue: form["default"].flatMap { $0.isNull ? nil : $0 },
            allowed: reader.names(form["enum"]),
            min: reader.number(form["min"]),
            max: reader.number(form["max"]),
            maxLength: reader.number(form["maxLength"]).flatMap { Int(exactly: $0) },
            references: reader.text(form["references"])
        )
    }

    private static func index(_ reader: inout Reader, _ form: Value) -> TableIndex {
        var condition: TableIndex.Condition?
        if let when = form["when"], !when.isNull {
            condition = TableIndex.Condition(
                column: reader.required(reader.text(when["column"])) ?? "",
                values: reader.names(when["values"])
            )
        }
        return TableIndex(
            columns: reader.names(form["columns"]),
            isUnique: reader.flag(form["unique"]),
            when: condition
        )
    }

    /// Reads members strictly, and notes when one is not as it must be.
    private struct Reader {
        let table: String
        private(set) var isIntact = true

        init(table: String) { self.table = table }

        mutating func required<Part>(_ part: Part?) -> Part? {
            if part == nil { isIntact = false }
            return part
        }

        mutating func list(_ form: Value?) -> [Value] { required(form?.listValue) ?? [] }

        mutating func flag(_ form: Value?) -> Bool { required(form?.boolValue) ?? false }

        mutating func names(_ form: Value?) -> [String] {
            let list = list(form)
            let names = list.compactMap(\.stringValue)
            if names.count != list.count { isIntact = false }
            return names
        }

        mutating func text(_ form: Value?) -> String? {
            guard let form = required(form), !form.isNull else { return nil }
            return required(form.stringValue)
        }

        mutating func number(_ form: Value?) -> Int64? {
            guard let form = required(form), !form.isNull else { return nil }
            return required(form.intValue)
        }
    }
}
