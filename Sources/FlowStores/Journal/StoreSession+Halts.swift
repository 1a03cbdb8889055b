import FlowEngine

// What operators want of runs
extension StoreSession {
    private static let haltOf = FixedStatement("SELECT halt FROM runs WHERE id = ?")
    private static let children = FixedStatement(
        """
        SELECT id FROM runs INDEXED BY runs_children
        WHERE parent_run = ? AND \(StatusCondition.isOpen) ORDER BY id
        """
    )
    static let reruns = FixedStatement(
        "SELECT id FROM runs INDEXED BY runs_reruns WHERE rerun_of = ? ORDER BY id"
    )
    private static let changeHalt = FixedStatement(
        "UPDATE runs SET halt = ? WHERE id = ? AND \(StatusCondition.isOpen)"
    )

    func halt(of run: RunID) throws(StoreError) -> RunHalt? {
        let statement = try prepared(Self.haltOf)
        statement.bind(run.rawValue)
        let found = try first(statement) { row throws(StoreError) in
            row.isNull(0) ? nil : try row.word(0, RunHalt.self)
        }
        return found ?? nil
    }

    func openChildren(of run: RunID) throws(StoreError) -> [RunID] {
        let statement = try prepared(Self.children)
        statement.bind(run.rawValue)
        return try all(statement) { row throws(StoreError) in RunID(try row.int(0)) }
    }

    func reruns(of run: RunID) throws(StoreError) -> [RunID] {
        let statement = try prepared(Self.reruns)
        statement.bind(run.rawValue)
        return try all(statement) { row throws(StoreError) in RunID(try row.int(0)) }
    }

    func setHalt(_ halt: RunHalt?, of run: RunID) throws(StoreError) {
        claimed[run] = nil
        let statement = try prepared(Self.changeHalt)
        statement.bind(halt?.rawValue)
        statement.bind(run.rawValue)
        try execute(statement)
    }
}
