import Expressions
import FlowEngine
import FlowLanguage

extension StoreSession {
    private static let setting = FixedStatement("SELECT value FROM settings WHERE name = ?")
    private static let saveSetting = FixedStatement(
        "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    )
    private static let secret = FixedStatement("SELECT sealed FROM secrets WHERE name = ?")
    private static let secretNames = FixedStatement("SELECT name FROM secrets ORDER BY name")
    private static let saveSecret = FixedStatement(
        "INSERT INTO secrets (name, sealed) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed"
    )
    private static let removeSecret = FixedStatement("DELETE FROM secrets WHERE name = ?")
    private static let tokenColumns = "id, hash, caller_id, caller_roles, created_at, revoked_at"
    private static let tokenByHash = FixedStatement("SELECT \(tokenColumns) FROM tokens WHERE hash = ?")
    private static let allTokens = FixedStatement("SELECT \(tokenColumns) FROM tokens ORDER BY created_at, id")
    private static let saveToken = FixedStatement("INSERT INTO tokens (\(tokenColumns)) VALUES (?, ?, ?, ?, ?, ?)")
    private static let revokeToken = FixedStatement(
        "UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"
    )
    private static let source = FixedStatement("SELECT source FROM flow_sources WHERE version = ?")
    private static let saveSource = FixedStatement(
        "INSERT INTO flow_sources (version, source) VALUES (?, ?) ON CONFLICT (version) DO NOTHING"
    )

    func setting(_ name: String) throws(StoreError) -> [UInt8]? {
        let value = try bytes(Self.setting, of: name)
        accesses?.append(.setting(name: name, value: value))
        return value
    }

    func sealedSecret(_ name: String) throws(StoreError) -> [UInt8]? { try bytes(Self.secret, of: name) }

    func flowSource(_ version: FlowVersion) throws(StoreError) -> [UInt8]? {
        try bytes(Self.source, of: version.rawValue)
    }

    func secretNames() throws(StoreError) -> [String] {
        try all(try prepared(Self.secretNames)) { row throws(StoreError) in try row.text(0) }
    }

    func setSetting(_ name: String, _ value: [UInt8]) throws(StoreError) {
        try save(Self.saveSetting, name, value)
    }

    func saveSealedSecret(_ name: String, _ sealed: [UInt8]) throws(StoreError) {
        try save(Self.saveSecret, name, sealed)
    }

    func saveFlowSource(_ version: FlowVersion, _ source: [UInt8]) throws(StoreError) {
        try save(Self.saveSource, version.rawValue, source)
    }

    func removeSecret(_ name: String) throws(StoreError) -> Bool {
        let statement = try prepared(Self.removeSecret)
        statement.bind(name)
        return try execute(statement) == 1
    }

    private func bytes(_ query: FixedStatement, of name: String) throws(StoreError) -> [UInt8]? {
        let statement = try prepared(query)
        statement.bind(name)
        return try first(statement) { row throws(StoreError) in try row.blob(0) }
    }

    private func save(_ query: FixedStatement, _ name: String, _ bytes: [UInt8]) throws(StoreError) {
        let statement = try prepared(query)
        statement.bind(name)
        statement.bindBlob(bytes)
        try execute(statement)
    }
}

// Tokens
extension StoreSession {
    func token(hash: [UInt8]) throws(StoreError) -> TokenRecord? {
        let statement = try prepared(Self.tokenByHash)
        statement.bindBlob(hash)
        return try first(statement, Self.token)
    }

    func tokens() throws(StoreError) -> [TokenRecord] { try all(try prepared(Self.allTokens), Self.token) }

    private static func token(_ row: PreparedStatement) throws(StoreError) -> TokenRecord {
        TokenRecord(
            id: try row.text(0),
            hash: try row.blob(1),
            caller: Caller(id: try row.optionalText(2), roles: try StoredForms.names(row.textBytes(3), "roles")),
            createdAt: try row.timestamp(4),
            revokedAt: try row.optionalTimestamp(5)
        )
    }

    func insertToken(_ token: TokenRecord) throws(StoreError) {
        let statement = try prepared(Self.saveToken)
        statement.bind(token.id)
        statement.bindBlob(token.hash)
        statement.bind(token.caller.id)
        statement.bindText(StoredForms.encode(token.caller.roles))
        statement.bind(token.createdAt)
        statement.bind(token.revokedAt)
        try execute(statement)
    }

    func revokeToken(id: String, at now: Timestamp) throws(StoreError) -> Bool {
        let statement = try prepared(Self.revokeToken)
        statement.bind(now)
        statement.bind(id)
        return try execute(statement) == 1
    }
}
