import Connections
package import FlowEngine

/// Writes into a store: through the engine's writer when one runs, directly when this process owns the store alone.
struct StoreWriter: Sendable {
    let store: any Store
    let engine: Engine?

    /// Returns when it is durable.
    ///
    /// Without an engine it blocks the calling thread, which is a command's own.
    func write<Result: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction) throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        if let engine { return try await engine.write(body) }
        var result: Result?
        try store.writeGroup { transaction throws(StoreError) in result = try body(transaction) }
        guard let result else { preconditionFailure("a group that did not throw ran its body") }
        return result
    }
}

/// Keeps sealed secrets in the app's store.
package struct StoreSecretStorage: SecretStorage {
    private let writer: StoreWriter

    /// There is no `engine` when this process owns the store and runs none.
    package init(store: any Store, engine: Engine? = nil) {
        writer = StoreWriter(store: store, engine: engine)
    }

    package func load(_ name: String) async throws -> [UInt8]? {
        try await writer.store.read { reader throws(StoreError) in try reader.sealedSecret(name) }
    }

    package func save(_ name: String, _ bytes: [UInt8]) async throws {
        try await writer.write { transaction throws(StoreError) in try transaction.saveSealedSecret(name, bytes) }
    }

    package func remove(_ name: String) async throws -> Bool {
        try await writer.write { transaction throws(StoreError) in try transaction.removeSecret(name) }
    }

    package func names() async throws -> [String] {
        try await writer.store.read { reader throws(StoreError) in try reader.secretNames() }
    }
}
