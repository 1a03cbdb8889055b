import GRDBSQLite

/// Hears of every statement that runs on the writer's connection: its text, and the text with its values in place.
///
/// For measurements that repeat what an engine did; a server has none. Lives as long as the store that it observes.
package final class StatementTrace: Sendable {
    private let hear: @Sendable (_ text: String, _ expanded: String) -> Void

    package init(_ hear: @escaping @Sendable (_ text: String, _ expanded: String) -> Void) { self.hear = hear }

    func observe(_ database: OpaquePointer) {
        sqlite3_trace_v2(
            database,
            UInt32(SQLITE_TRACE_STMT),
            { _, context, statement, text in
                // A trigger's own statements come as comments, under the statement that set it off.
                guard let context, let statement, let first = text?.load(as: UInt8.self),
                    first != UInt8(ascii: "-")
                else { return 0 }
                let trace = Unmanaged<StatementTrace>.fromOpaque(context).takeUnretainedValue()
                trace.hear(OpaquePointer(statement))
                return 0
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    private func hear(_ statement: OpaquePointer) {
        guard let text = sqlite3_sql(statement), let expanded = sqlite3_expanded_sql(statement) else { return }
        defer { sqlite3_free(expanded) }
        hear(String(cString: text), String(cString: expanded))
    }
}
