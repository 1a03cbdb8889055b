import Expressions
import FlowEngine
import FlowLanguage

/// The tables that a store was opened with, by name.
struct TableCatalogue: Sendable {
    private var tables = NamedPlaces<StoredTable>()

    init() {}

    /// - Throws: `.schema` for names that cannot stand in a database, or stand twice, and for impossible columns.
    init(_ declared: [Table]) throws(StoreError) {
        var folded: Set<String> = []
        for (number, table) in declared.enumerated() {
            guard let short = UInt16(exactly: number) else { throw StoreError(.schema, "too many tables") }
            guard folded.insert(StoredTable.folded(table.name)).inserted else {
                throw StoreError(.schema, "two tables are named \(table.name), but for upper and lower case")
            }
            tables.add(try StoredTable(table, number: short), named: table.name)
        }
        for table in declared {
            for column in table.columns {
                guard let target = column.references, tables[target] == nil else { continue }
                throw StoreError(.schema, "\(table.name).\(column.name) references the unknown table \(target)")
            }
        }
    }

    /// - Throws: `.invalidValue` when there is none: the checker lets no flow come this far.
    func table(_ name: String) throws(StoreError) -> StoredTable {
        guard let table = tables[name] else { throw StoreError(.invalidValue, "there is no table \(name)") }
        return table
    }
}

/// A table with its names and columns as they stand on disk.
final class StoredTable: Sendable {
    let name: String
    /// Its place in the catalogue, for the shapes of statements.
    let number: UInt16
    /// `app_<name>`, unquoted, as SQLite's messages write it.
    let physicalName: String
    /// The quoted physical name.
    let quotedName: String
    /// `id`, the declared columns in their order, and for system tables `createdAt` and `updatedAt`.
    let columns: [StoredColumn]
    let isSystem: Bool
    private let positions: NamedPlaces<Int>
    /// By the detail of SQLite's message, the columns that are unique together.
    private let uniqueColumns: [String: [String]]

    /// Columns of a table at most; SQLite itself takes 2,000.
    static let columnLimit = 1000

    init(_ table: Table, number: UInt16) throws(StoreError) {
        name = table.name
        self.number = number
        try Self.checkName(table.name, what: "a table")
        let physical = "app_" + table.name
        physicalName = physical
        quotedName = SQLText.quoted(physical)
        isSystem = table.isSystem

        var columns = [StoredColumn(Column(name: "id", type: .int), role: .id, table: table.name)]
        let deciding = Set(table.indexes.compactMap(\.when?.column))
        for column in table.columns {
            try Self.checkName(column.name, what: "a column of \(table.name)")
            let decides = deciding.contains(column.name)
            columns.append(StoredColumn(column, role: .declared, table: table.name, decidesIndex: decides))
        }
        if table.isSystem {
            columns.append(
                StoredColumn(Column(name: "createdAt", type: .timestamp), role: .createdAt, table: table.name)
            )
            columns.append(
                StoredColumn(Column(name: "updatedAt", type: .timestamp), role: .updatedAt, table: table.name)
            )
        }
        guard columns.count <= Self.columnLimit else { throw StoreError(.schema, "\(table.name): too many columns") }
        self.columns = columns

        var folded: Set<String> = []
        var positions = NamedPlaces<Int>()
        for (position, column) in columns.enumerated() {
            guard folded.insert(Self.folded(column.name)).inserted else {
                throw StoreError(.schema, "\(table.name) has two columns \(column.name)", column: column.name)
            }
            positions.add(position, named: column.name)
            try column.checkDeclaration()
        }
        self.positions = positions

        var unique: [String: [String]] = [:]
        let groups =
            table.columns.filter(\.isUnique).map { [$0.name] } + table.indexes.filter(\.isUnique).map(\.columns)
        for group in groups { unique[group.map { "\(physical).\($0)" }.joined(separator: ", ")] = group }
        uniqueColumns = unique
        try Self.checkIndexes(table, positions)
    }

    private static func checkIndexes(_ table: Table, _ positions: NamedPlaces<Int>) throws(StoreError) {
        for index in table.indexes {
            let named = index.columns + (index.when.map { [$0.column] } ?? [])
            guard !index.columns.isEmpty, named.allSatisfy({ positions[$0] != nil }) else {
                throw StoreError(.schema, "an index of \(table.name) names an unknown column")
            }
        }
    }

    private static func checkName(_ name: String, what: String) throws(StoreError) {
        guard !name.isEmpty, name.utf8.count <= 128, !name.utf8.contains(0) else {
            throw StoreError(.schema, "the name of \(what) is empty, too long or holds a NUL")
        }
    }

    /// SQLite takes names for the same when they differ in the case of ASCII letters alone.
    static func folded(_ name: String) -> String {
        String(decoding: name.utf8.map { $0 >= 65 && $0 <= 90 ? $0 + 32 : $0 }, as: UTF8.self)
    }

    /// - Throws: `.invalidValue` when there is no such column.
    func position(of column: String) throws(StoreError) -> Int {
        guard let position = positions[column] else {
            throw StoreError(.invalidValue, "\(name) has no column \(column)", column: column)
        }
        return position
    }

    func column(_ name: String) throws(StoreError) -> StoredColumn { columns[try position(of: name)] }
}

// What SQLite's refusals mean in the app's words
extension StoredTable {
    func uniqueness(_ detail: String) -> StoreError? {
        guard let columns = uniqueColumns[detail] else { return nil }
        let what = columns.joined(separator: ", ")
        return StoreError(.constraint, "\(name): another row has the same \(what)", column: columns.first)
    }

    /// Checks are named `<column>:<rule>`.
    func check(_ detail: String) -> StoreError? {
        guard let colon = detail.lastIndex(of: ":") else { return nil }
        let column = String(detail[..<colon])
        guard let known = positions[column].map({ columns[$0] }) else { return nil }
        return StoreError(
            .constraint,
            "\(name).\(column) \(known.rule(String(detail[detail.index(after: colon)...])))",
            column: column
        )
    }

    func columnName(inDetail detail: String) -> String? {
        let prefix = physicalName + "."
        guard detail.hasPrefix(prefix) else { return nil }
        let column = String(detail.dropFirst(prefix.count))
        return positions[column] == nil ? nil : column
    }
}

/// A column as it stands on disk; a reference, since every row goes through all columns.
final class StoredColumn: Sendable {
    enum Role: Sendable {
        case id, declared, createdAt, updatedAt
    }

    let declaration: Column
    let role: Role
    /// The table's name, for messages.
    let table: String
    let quotedName: String
    let key: MapKey
    let allowed: Set<String>
    /// Whether an index holds only the rows with some of its words.
    private let decidesIndex: Bool

    init(_ declaration: Column, role: Role, table: String, decidesIndex: Bool = false) {
        self.declaration = declaration
        self.role = role
        self.table = table
        self.decidesIndex = decidesIndex
        quotedName = SQLText.quoted(declaration.name)
        key = .string(declaration.name)
        allowed = Set(declaration.allowed)
    }

    var name: String { declaration.name }
    var type: ColumnType { declaration.type }

    /// The places of words among those that the column may hold, if comparisons write them into their SQL.
    ///
    /// SQLite asks of each comparison with a column in a partial index's condition whether the index fits. With a bound
    /// value the answer may change, so it compiles the statement anew at each run; a written word it knows.
    func writtenWords(_ values: [Value]) -> [Int]? {
        guard decidesIndex, !values.isEmpty else { return nil }
        var places: Set<Int> = []
        for value in values {
            // By their bytes, as SQL compares them: `String` takes some for equal that differ.
            guard case .string(let word) = value,
                let place = declaration.allowed.firstIndex(where: { $0.utf8.elementsEqual(word.utf8) })
            else { return nil }
            places.insert(place)
        }
        return places.sorted()
    }
}

/// Pieces of SQL from names and constants.
///
/// Values of a run are never among them: they are bound.
enum SQLText {
    static func quoted(_ name: String) -> String { "\"" + doubling(name, of: "\"") + "\"" }

    static func literal(_ text: String) -> String {
        // A statement's text ends at NUL.
        if text.utf8.contains(0) { return "CAST(\(literal(Array(text.utf8))) AS TEXT)" }
        return "'" + doubling(text, of: "'") + "'"
    }

    static func literal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        var hex = ""
        for byte in bytes {
            hex.append(digits[Int(byte >> 4)])
            hex.append(digits[Int(byte & 15)])
        }
        return "x'\(hex)'"
    }

    /// True where `expression` is one of the words, or null.
    ///
    /// In a check or an index's condition SQLite builds a table in memory for an IN of more than two words, at each row
    /// again. A long list keeps it: SQLite bounds how deep a condition may be.
    static func isOne(_ expression: String, of words: [String]) -> String {
        let literals = words.map { literal($0) }
        guard (1...32).contains(words.count) else { return "\(expression) IN (\(literals.joined(separator: ", ")))" }
        return "(" + literals.map { "\(expression) = \($0)" }.joined(separator: " OR ") + ")"
    }

    /// Scalar by scalar: a quote that carries a combining mark is one `Character`, and would be missed.
    private static func doubling(_ text: String, of quote: Unicode.Scalar) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(scalar)
            if scalar == quote { result.append(scalar) }
        }
        return String(result)
    }
}
