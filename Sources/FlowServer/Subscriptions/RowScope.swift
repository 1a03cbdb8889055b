import Expressions
import FlowEngine
import FlowLanguage
import Payments

/// The rows of one table that a caller may follow.
struct RowScope: Sendable, Hashable {
    let table: String
    /// Rows whose owner column holds this alone; nil: whoever they belong to.
    let owner: String?
    /// This row alone.
    var row: Int64?

    /// What of the table the caller may follow.
    ///
    /// - Throws: `Problem` 401 or 403; 404 for a table that is not there, but not to strangers.
    init(of caller: Caller, table name: String, in app: App) throws {
        guard let table = app.table(named: name) else {
            // Strangers learn nothing about which tables there are.
            throw caller.id == nil ? Problem.forbidden(to: caller) : Problem.notFound
        }
        guard caller.isAllowed(table.access.subscribe) else { throw Problem.forbidden(to: caller) }
        // Without triggers there would never be anything to tell, not even an admin.
        guard !table.access.subscribe.isEmpty else {
            throw Problem(404, "not_subscribable", "app.yaml lets nobody subscribe to this table.")
        }
        self.table = name
        guard table.access.owner != nil, !caller.roles.contains("admin") else {
            owner = nil
            return
        }
        guard let id = caller.id else { throw Problem.forbidden(to: caller) }
        owner = id
    }

    /// Whether rows of an owner are among them.
    ///
    /// Callers' ids are compared as the store compares them, by their bytes: to Swift `é` and `e` with an accent behind
    /// it are one text, to the store two people.
    func covers(owner other: String?) -> Bool {
        guard let owner else { return true }
        return other?.hasSameScalars(as: owner) ?? false
    }

    func isOfSameOwner(as other: RowScope) -> Bool {
        owner == nil ? other.owner == nil : covers(owner: other.owner)
    }

    /// One row, whoever it belongs to: for those who have shown that they may follow it.
    init(table: String, row: Int64) {
        self.table = table
        owner = nil
        self.row = row
    }
}

/// A table as its subscribers see it.
struct FollowedTable: Sendable {
    let name: String
    let ownerColumn: String?
    /// Columns that stay inside; a payment's hold what was asked of Stripe.
    private let hidden: Set<String>

    init(_ table: Table) {
        name = table.name
        ownerColumn = table.access.owner
        hidden = table.isSystem ? PaymentsTables.innerColumns : []
    }

    /// The row as JSON; nil for a value that JSON has no form for.
    func json(of row: ValueMap) -> [UInt8]? {
        var shown = row
        for column in hidden { shown[column] = nil }
        return try? JSON.encode(.map(shown))  // Only NaN and infinities have no form.
    }
}
