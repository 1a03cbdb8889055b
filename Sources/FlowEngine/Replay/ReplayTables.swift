package import Expressions
import FlowLanguage

/// Rows in memory that a replay reads and changes, as the run did with an app's own.
package protocol ReplayTables: AnyObject {
    func find(_ query: RecordQuery) throws(StoreError) -> [ValueMap]
    func insert(into table: String, _ values: [(column: String, value: Value)]) throws(StoreError) -> ValueMap
    func update(_ update: RecordUpdate) throws(StoreError) -> Int
    func delete(from table: String, where conditions: [ResolvedCondition]) throws(StoreError) -> Int
    func savepoint<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result

    /// Puts a row in as it stands, id and times included, in place of one with its id or its unique values.
    ///
    /// Columns that the table does not have are left out; those that the row lacks get their defaults.
    func put(_ row: ValueMap, into table: String) throws(StoreError)
    /// What changes from now on is stamped with this time.
    func setTime(_ time: Timestamp)
}

extension ReplayTables {
    func row(_ id: Int64, of table: String) throws(StoreError) -> ValueMap? {
        try find(RecordQuery(table: table, where: [ResolvedCondition("id", equals: .int(id))], limit: 1)).first
    }

    func remove(_ id: Int64, from table: String) throws(StoreError) {
        _ = try delete(from: table, where: [ResolvedCondition("id", equals: .int(id))])
    }
}

/// A row that a replay changed.
package struct RowChange: Sendable, Hashable {
    package var table: String
    package var id: Int64
    /// Nil for a new row.
    package var before: ValueMap?
    /// Nil for a row that was deleted.
    package var after: ValueMap?
    /// The entry whose block did it.
    package var address: EntryAddress?

    package init(table: String, id: Int64, before: ValueMap?, after: ValueMap?, address: EntryAddress?) {
        self.table = table
        self.id = id
        self.before = before
        self.after = after
        self.address = address
    }
}

/// What others did to the rows of a run while it went on, as far as the run noticed.
package struct OutsideChange: Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// The run saw this row for the first time.
        case seen(ValueMap)
        /// These columns were changed by somebody else.
        case columns(ValueMap)
        case removed
        /// The run's own new row: what the store gave it.
        case numbered(ValueMap)
    }

    package var address: EntryAddress
    /// The number of the access within the entry.
    package var access: Int
    package var table: String
    package var id: Int64
    package var kind: Kind
}
