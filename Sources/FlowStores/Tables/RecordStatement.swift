import Expressions
import FlowEngine
import FlowLanguage

/// What two statements on tables must have in common to share their SQL: everything but the values.
struct RecordStatementShape: Hashable {
    private var codes: [UInt16] = []
    /// Of all codes, kept as they come: a shape is looked up for every statement.
    private var digest: UInt64 = 0xCBF2_9CE4_8422_2325

    fileprivate init() { codes.reserveCapacity(24) }

    fileprivate mutating func append(_ code: UInt16) {
        codes.append(code)
        digest = (digest ^ UInt64(code)) &* 0x100_0000_01B3
    }

    func hash(into hasher: inout Hasher) { hasher.combine(digest) }
}

/// One walk over a query that gives its shape and the values to bind, and on request its SQL.
///
/// The SQL is asked for once for each shape; the same walk writes it, so that shape, text and values cannot differ.
struct RecordStatement {
    private(set) var shape = RecordStatementShape()
    private(set) var values: [StoredValue] = []
    private(set) var text: String
    private let table: StoredTable
    private let isWritten: Bool

    /// Elements of an `in` list at most.
    static let listLimit = 1024
    /// Operators inside one another at most.
    private static let operandDepth = 32

    private enum Code {
        static let find: UInt16 = 1
        static let update: UInt16 = 2
        static let delete: UInt16 = 3
        static let insert: UInt16 = 4
        static let replace: UInt16 = 5
        static let value: UInt16 = 10
        static let column: UInt16 = 11
        static let add: UInt16 = 12
        static let subtract: UInt16 = 13
        static let multiply: UInt16 = 14
        static let ascending: UInt16 = 20
        static let descending: UInt16 = 21
        static let conditions: UInt16 = 22
        static let isNull: UInt16 = 30
        static let isNotNull: UInt16 = 31
        static let startsWith: UInt16 = 32
        static let comparison: UInt16 = 40
        static let list: UInt16 = 50
        static let words: UInt16 = 51
    }

    private init(_ code: UInt16, _ table: StoredTable, writing: Bool) {
        self.table = table
        isWritten = writing
        text = ""
        values.reserveCapacity(8)
        shape.append(code)
        shape.append(table.number)
    }

    private mutating func write(_ piece: @autoclosure () -> String) {
        if isWritten { text += piece() }
    }

    private mutating func note(_ code: UInt16) { shape.append(code) }

    /// Above all codes: where the conditions end and the order begins, either may come next.
    private mutating func note(column position: Int) { shape.append(0x8000 | UInt16(truncatingIfNeeded: position)) }
}

// The four statements
extension RecordStatement {
    static func find(_ query: RecordQuery, in table: StoredTable, writing: Bool) throws(StoreError) -> Self {
        var statement = Self(Code.find, table, writing: writing)
        statement.write("SELECT \(table.columns.map(\.quotedName).joined(separator: ", ")) FROM \(table.quotedName)")
        try statement.add(query.conditions)
        try statement.add(query.order)
        statement.values.append(.integer(Int64(max(0, query.limit))))
        statement.write(" LIMIT ?")
        return statement
    }

    static func delete(
        _ conditions: [ResolvedCondition],
        from table: StoredTable,
        writing: Bool
    ) throws(StoreError) -> Self {
        var statement = Self(Code.delete, table, writing: writing)
        statement.write("DELETE FROM \(table.quotedName)")
        try statement.add(conditions)
        return statement
    }

    /// Sets `updatedAt` of a system table to `time`.
    static func update(
        _ update: RecordUpdate,
        of table: StoredTable,
        at time: Timestamp?,
        writing: Bool
    ) throws(StoreError) -> Self {
        var statement = Self(Code.update, table, writing: writing)
        statement.write("UPDATE \(table.quotedName) SET ")
        var assigned: [Int] = []
        assigned.reserveCapacity(update.set.count)
        for assignment in update.set {
            let position = try table.position(of: assignment.column)
            guard !assigned.contains(position) else { throw table.columns[position].invalid("is set twice") }
            assigned.append(position)
            if assigned.count > 1 { statement.write(", ") }
            try statement.assign(position, assignment.value)
        }
        if let time, let position = table.columns.firstIndex(where: { $0.role == .updatedAt }),
            !assigned.contains(position)
        {
            if !assigned.isEmpty { statement.write(", ") }
            try statement.assign(position, .value(.timestamp(time)))
        } else if assigned.isEmpty {
            throw StoreError(.invalidValue, "an update of \(table.name) sets nothing")
        }
        try statement.add(update.conditions)
        return statement
    }

    /// Binds every column but `id`, so that each table has one such statement.
    static func insertion(into table: StoredTable) -> Self {
        var statement = Self(Code.insert, table, writing: true)
        let columns = table.columns.dropFirst()
        if columns.isEmpty {
            statement.write("INSERT INTO \(table.quotedName) DEFAULT VALUES")
        } else {
            let names = columns.map(\.quotedName).joined(separator: ", ")
            let places = columns.map { _ in "?" }.joined(separator: ", ")
            statement.write("INSERT INTO \(table.quotedName) (\(names)) VALUES (\(places))")
        }
        return statement
    }

    static func insertionShape(of table: StoredTable) -> RecordStatementShape {
        Self(Code.insert, table, writing: false).shape
    }

    /// The shape of the statement that puts a whole row in the place of another.
    static func replacementShape(of table: StoredTable) -> RecordStatementShape {
        Self(Code.replace, table, writing: false).shape
    }

    private mutating func assign(_ position: Int, _ operand: ResolvedOperand) throws(StoreError) {
        let column = table.columns[position]
        if column.role == .id { throw column.invalid("is assigned by the store") }
        note(column: position)
        write("\(column.quotedName) = ")
        if case .value(let value) = operand {
            note(Code.value)
            write("?")
            values.append(try column.encoded(value))
        } else {
            try add(operand, comparedWith: column)
        }
    }
}

// Conditions and order
extension RecordStatement {
    private mutating func add(_ conditions: [ResolvedCondition]) throws(StoreError) {
        note(Code.conditions)
        var isFirst = true
        for condition in conditions {
            write(isFirst ? " WHERE " : " AND ")
            isFirst = false
            try add(condition)
        }
    }

    private mutating func add(_ condition: ResolvedCondition) throws(StoreError) {
        let position = try table.position(of: condition.column)
        let column = table.columns[position]
        note(column: position)
        switch condition.operator {
        case .equals:
            if case .value(let value) = condition.operand, let words = column.writtenWords([value]) {
                return add(column, isOneOf: words)
            }
            try compare(column, "=", 0, condition.operand)
        // Null is not any value either.
        case .not: try compare(column, "IS NOT", 1, condition.operand)
        case .gt: try compare(column, ">", 2, condition.operand)
        case .gte: try compare(column, ">=", 3, condition.operand)
        case .lt: try compare(column, "<", 4, condition.operand)
        case .lte: try compare(column, "<=", 5, condition.operand)
        case .in: try add(column, isIn: condition.operand)
        case .startsWith: try add(column, startsWith: condition.operand)
        case .isNull:
            guard case .value(.bool(let isNull)) = condition.operand else {
                throw column.invalid("isNull takes a bool")
            }
            note(isNull ? Code.isNull : Code.isNotNull)
            write("\(column.quotedName) \(isNull ? "IS NULL" : "IS NOT NULL")")
        }
    }

    private mutating func compare(
        _ column: StoredColumn,
        _ symbol: String,
        _ number: UInt16,
        _ operand: ResolvedOperand
    ) throws(StoreError) {
        note(Code.comparison + number)
        // Equal decimals are equal texts, so equality needs no collation, with which no index of the column would do.
        write("\(number <= 1 ? column.quotedName : column.comparable) \(symbol) ")
        try add(operand, comparedWith: column)
    }

    private mutating func add(_ column: StoredColumn, isIn operand: ResolvedOperand) throws(StoreError) {
        guard case .value(.list(let elements)) = operand else { throw column.invalid("in takes a list") }
        guard elements.count <= Self.listLimit else {
            throw column.invalid("in takes at most \(Self.listLimit) elements")
        }
        if let words = column.writtenWords(elements) { return add(column, isOneOf: words) }
        // Lists are filled up with their last element to a power of two: few shapes serve lists of all lengths.
        var places = elements.isEmpty ? 0 : 1
        while places < elements.count { places *= 2 }
        note(Code.list)
        note(UInt16(truncatingIfNeeded: places))
        for element in elements { values.append(try column.compared(element)) }
        if let last = values.last { for _ in elements.count..<places { values.append(last) } }
        write("\(column.quotedName) IN (\(repeatElement("?", count: places).joined(separator: ", ")))")
    }

    private mutating func add(_ column: StoredColumn, isOneOf words: [Int]) {
        note(Code.words)
        note(UInt16(truncatingIfNeeded: words.count))
        for word in words { note(UInt16(truncatingIfNeeded: word)) }
        write(SQLText.isOne(column.quotedName, of: words.map { column.declaration.allowed[$0] }))
    }

    private mutating func add(_ column: StoredColumn, startsWith operand: ResolvedOperand) throws(StoreError) {
        guard column.type == .string, case .value(.string(let prefix)) = operand else {
            throw column.invalid("startsWith takes a string, for a string column")
        }
        note(Code.startsWith)
        // 0xFF stands in no UTF-8, so it is beyond every text that goes on after the prefix.
        let bytes = Array(prefix.utf8)
        values.append(.utf8(bytes))
        values.append(.utf8(bytes + [0xFF]))
        write("\(column.quotedName) >= ? AND \(column.quotedName) < ?")
    }

    private mutating func add(_ order: [FindBlock.Order]) throws(StoreError) {
        write(" ORDER BY ")
        for term in order {
            let position = try table.position(of: term.column)
            let column = table.columns[position]
            if column.type == .json { throw column.invalid("is json, which has no order") }
            note(term.descending ? Code.descending : Code.ascending)
            note(column: position)
            write("\(column.comparable)\(term.descending ? " DESC" : ""), ")
        }
        // The same question always gets the same order.
        write("\"id\"")
    }
}

// Operands
extension RecordStatement {
    /// Writes an operand that is compared with `column` or written into it.
    private mutating func add(
        _ operand: ResolvedOperand,
        comparedWith column: StoredColumn,
        depth: Int = 0
    ) throws(StoreError) {
        guard depth < Self.operandDepth else { throw column.invalid("has too deep an expression") }
        switch operand {
        case .value(let value):
            note(Code.value)
            values.append(try column.compared(value))
            write("?")
        case .column(let name):
            let position = try table.position(of: name)
            let other = table.columns[position]
            guard other.type == column.type, other.type != .json else {
                throw column.invalid("is \(column.type.rawValue), \(name) is \(other.type.rawValue)")
            }
            note(Code.column)
            note(column: position)
            write(other.quotedName)
        case .add(let left, let right): try add("runnel_add", Code.add, left, right, column, depth)
        case .subtract(let left, let right): try add("runnel_subtract", Code.subtract, left, right, column, depth)
        case .multiply(let left, let right): try add("runnel_multiply", Code.multiply, left, right, column, depth)
        }
    }

    private mutating func add(
        _ function: String,
        _ code: UInt16,
        _ left: ResolvedOperand,
        _ right: ResolvedOperand,
        _ column: StoredColumn,
        _ depth: Int
    ) throws(StoreError) {
        guard column.type == .int else { throw column.invalid("is \(column.type.rawValue): arithmetic is for int") }
        note(code)
        write("\(function)(")
        try add(left, comparedWith: column, depth: depth + 1)
        write(", ")
        try add(right, comparedWith: column, depth: depth + 1)
        write(")")
    }
}

extension StoredColumn {
    /// The column in comparisons and orders: decimals by their value, not by their text.
    fileprivate var comparable: String { type == .decimal ? "\(quotedName) COLLATE runnel_decimal" : quotedName }
}
