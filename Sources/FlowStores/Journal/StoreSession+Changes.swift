import FlowEngine

extension StoreSession {
    private static let changesOfTable = FixedStatement(
        """
        SELECT sequence, row, kind, former_owner FROM changes
        WHERE table_name = ? AND sequence > ? ORDER BY sequence LIMIT ?
        """
    )
    private static let extent = FixedStatement(
        """
        SELECT (SELECT min(sequence) FROM changes),
               (SELECT seq FROM sqlite_sequence WHERE name = 'changes')
        """
    )
    private static let newestAudit = FixedStatement(
        "SELECT at, action, subject, caller_id, caller_roles, reason FROM audit ORDER BY id DESC LIMIT ?"
    )
    private static let saveAudit = FixedStatement(
        "INSERT INTO audit (at, action, subject, caller_id, caller_roles, reason) VALUES (?, ?, ?, ?, ?, ?)"
    )

    func changes(of table: String, after: Int64, limit: Int) throws(StoreError) -> [TableChange] {
        let statement = try prepared(Self.changesOfTable)
        statement.bind(table)
        statement.bind(after)
        statement.bind(max(0, limit))
        return try all(statement) { row throws(StoreError) in
            TableChange(
                sequence: try row.int(0),
                row: try row.int(1),
                kind: try row.word(2, TableChange.Kind.self),
                formerOwner: try row.optionalText(3)
            )
        }
    }

    func changeExtent() throws(StoreError) -> ChangeExtent {
        let found = try first(try prepared(Self.extent)) { row throws(StoreError) in
            (oldest: try row.optionalInt(0), newest: try row.optionalInt(1) ?? 0)
        }
        guard let found else { throw StoreError(.corrupt, "the log of changes has no extent") }
        return ChangeExtent(oldest: found.oldest ?? found.newest + 1, newest: found.newest)
    }

    func auditRecords(limit: Int) throws(StoreError) -> [AuditRecord] {
        let statement = try prepared(Self.newestAudit)
        statement.bind(max(0, limit))
        return try all(statement) { row throws(StoreError) in
            AuditRecord(
                at: try row.timestamp(0),
                action: try row.text(1),
                subject: try row.text(2),
                caller: Caller(id: try row.optionalText(3), roles: try StoredForms.names(row.textBytes(4), "roles")),
                reason: try row.text(5)
            )
        }
    }

    func insertAudit(_ record: AuditRecord) throws(StoreError) {
        let statement = try prepared(Self.saveAudit)
        statement.bind(record.at)
        statement.bind(record.action)
        statement.bind(record.subject)
        statement.bind(record.caller.id)
        statement.bindText(StoredForms.encode(record.caller.roles))
        statement.bind(record.reason)
        try execute(statement)
    }
}
