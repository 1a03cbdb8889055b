import Expressions
import FlowEngine

// What blocks read and change, noted for capsules.
extension StoreSession {
    func observe(_ address: EntryAddress) { accesses = [] }

    func takeAccesses() -> [StoreAccess] {
        defer { accesses = nil }
        return accesses ?? []
    }

    /// The rows that a change will meet; nil while nobody wants to know.
    ///
    /// Asked for before the change: afterwards nothing tells what they were.
    func rowsBefore(of table: String, _ conditions: [ResolvedCondition]) throws(StoreError) -> [ValueMap]? {
        guard let noted = accesses else { return nil }
        accesses = nil
        defer { accesses = noted }
        return try find(RecordQuery(table: table, where: conditions, limit: StoreAccess.rowLimit + 1))
    }

    /// Makes a change; a refusal is noted too, since the rows that it is for may be others than those that were read.
    func noting<Result>(
        _ table: String,
        _ change: () throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        do throws(StoreError) {
            return try change()
        } catch {
            if error.isBlockFailure { accesses?.append(.refused(table: table, error)) }
            throw error
        }
    }

    func note(_ change: StoreAccess, of table: String) {
        let isKept = change.rows.count <= StoreAccess.rowLimit
        accesses?.append(isKept ? change : .tooMany(table: table))
    }
}
