package import Connections
package import Expressions
package import FlowEngine
package import FlowLanguage
import Foundation
package import Payments

/// Does what an operator asks for, on a store that this process has open.
///
/// With an engine, writes go through its writer; without one this process owns the store and nobody else writes.
package struct Administration: Administering {
    /// Runs in one answer.
    package static let listLength = 1_000

    let app: App
    let mode: Mode
    let store: any Store
    let reconciler: PaymentsReconciler?
    let clock: any FlowEngine.Clock
    private let random: any RandomSource
    let engine: Engine?
    private let writer: StoreWriter
    let vault: SecretVault?
    private let unsealed: UnsealedSecrets?
    let version: String
    let sources: [SourceFile]
    private let port: @Sendable () -> Int?

    /// Puts the parts together.
    ///
    /// The `engine` need not run: one that the store was opened for by a single command does not. Without a `vault` no
    /// secret can be set; `unsealed` is read again after a change, so that the services of this process see it. Without
    /// a `reconciler` payments cannot be compared with Stripe. `version` is the program's, `port` tells where the server
    /// listens, once it does. `sources` are the app's files, for capsules of runs whose own files were not kept.
    package init(
        app: App,
        mode: Mode,
        store: any Store,
        clock: any FlowEngine.Clock,
        random: any RandomSource,
        engine: Engine? = nil,
        vault: SecretVault? = nil,
        unsealed: UnsealedSecrets? = nil,
        reconciler: PaymentsReconciler? = nil,
        version: String = "",
        sources: [SourceFile] = [],
        port: @escaping @Sendable () -> Int? = { nil }
    ) {
        self.app = app
        self.mode = mode
        self.store = store
        self.clock = clock
        self.random = random
        self.engine = engine
        self.writer = StoreWriter(store: store, engine: engine)
        self.vault = vault
        self.unsealed = unsealed
        self.reconciler = reconciler
        self.version = version
        self.sources = sources
        self.port = port
    }

    package func status() async throws(AdministrationError) -> ServerStatus {
        ServerStatus(
            processID: ProcessInfo.processInfo.processIdentifier,
            app: app.name,
            mode: mode,
            version: version,
            port: port(),
            isReady: engine?.isReady ?? false
        )
    }

    // MARK: Runs

    package func runs(matching filter: RunFilter) async throws(AdministrationError) -> [RunSummary] {
        var bounded = filter
        bounded.limit = min(max(filter.limit, 1), Self.listLength)
        let query = bounded
        return try await read { reader throws(StoreError) in
            try reader.runs(matching: query).map(RunSummary.init)
        }
    }

    package func report(of run: RunID, waiting: Duration) async throws(AdministrationError) -> RunReport {
        if let engine, waiting > .zero {
            // The run's row says what became of it; that the wait ended early does not matter.
            _ = try? await engine.answer(of: run, timeLimit: waiting)
        }
        let report = try await read { reader throws(StoreError) -> RunReport? in
            guard let record = try reader.run(run) else { return nil }
            return try RunReport(record, in: reader)
        }
        guard let report else { throw AdministrationError(.notFound, "there is no run \(run)") }
        return report
    }

    package func start(
        _ flow: String,
        input: ValueMap,
        as caller: String
    ) async throws(AdministrationError) -> RunID {
        guard let engine else { throw AdministrationError(.unavailable, "no engine runs here") }
        guard Self.isOneLine(caller) else {
            throw AdministrationError(.invalid, "a caller's id has 1 to 254 characters and no spaces")
        }
        if let graph = app.flows[flow], graph.kind == .cloud, graph.trigger != .manual {
            let message = "'\(flow)' runs behind its trigger alone; by hand start pages and those with 'manual: true'"
            throw AdministrationError(.invalid, message)
        }
        do {
            return try await engine.start(
                flow,
                input: input,
                trigger: .null,
                origin: .manual,
                caller: Caller(id: caller, roles: ["admin"])
            )
        } catch {
            throw AdministrationError(error)
        }
    }

    // MARK: Tokens

    package func createToken(for caller: Caller) async throws(AdministrationError) -> IssuedToken {
        guard let id = caller.id, Self.isOneLine(id) else {
            throw AdministrationError(.invalid, "a token's id has 1 to 254 characters and no spaces")
        }
        guard !Caller.reservedIDs.contains(id) else {
            throw AdministrationError(.invalid, "'\(id)' is a name of the runtime's own")
        }
        guard !caller.roles.isEmpty else { throw AdministrationError(.invalid, "a token needs a role") }
        for role in caller.roles where !app.roles.contains(role) {
            let known = app.roles.filter { $0 != "public" }.joined(separator: ", ")
            throw AdministrationError(.invalid, "the app has no role '\(role)'; it has \(known)")
        }
        let token = AccessToken(from: random)
        let record = TokenRecord(
            id: "t" + random.bytes(5).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(),
            hash: token.hash,
            caller: caller,
            createdAt: clock.now()
        )
        try await write { transaction throws(StoreError) in try transaction.insertToken(record) }
        return IssuedToken(text: token.text, summary: TokenSummary(record))
    }

    package func tokens() async throws(AdministrationError) -> [TokenSummary] {
        try await read { reader throws(StoreError) in try reader.tokens().map(TokenSummary.init) }
    }

    package func revokeToken(id: String) async throws(AdministrationError) {
        let now = clock.now()
        let isDone = try await write { transaction throws(StoreError) in try transaction.revokeToken(id: id, at: now) }
        guard isDone else { throw AdministrationError(.notFound, "there is no token '\(id)' to revoke") }
    }

    // MARK: Secrets

    package func secretNames() async throws(AdministrationError) -> [String] {
        try await read { reader throws(StoreError) in try reader.secretNames() }.sorted()
    }

    package func setSecret(_ name: String, to secret: Secret) async throws(AdministrationError) {
        guard let vault else { throw AdministrationError(.unavailable, "there is no key to seal secrets with") }
        try checkConnection(of: name)
        do {
            try await vault.set(try SecretName(name), to: secret)
            try await unsealed?.reload(from: vault)
        } catch {
            throw AdministrationError(secret: error)
        }
    }

    /// A key of a connection that the app does not have would be read by nothing, unless some `auth:` names it.
    private func checkConnection(of name: String) throws(AdministrationError) {
        let parts = name.split(separator: ".").map(String.init)
        guard parts.count == 3, Mode(rawValue: parts[1]) != nil else { return }
        let isNamed = app.connections.contains { connection in
            guard connection.service == "http" else { return false }
            let authentication = HTTPConnection(settings: connection.settings).authentication
            return authentication?.secretName(mode: parts[1]) == name
        }
        if isNamed { return }
        guard let connection = app.connection(named: parts[0]) else {
            let known = app.connections.map(\.name).joined(separator: ", ")
            throw AdministrationError(.invalid, "the app has no connection '\(parts[0])'; it has \(known)")
        }
        let fields = ["secretKey", "publishableKey", "webhookSecret"]
        guard connection.service != "stripe" || fields.contains(parts[2]) else {
            throw AdministrationError(
                .invalid,
                "a Stripe connection has no '\(parts[2])'; it has \(fields.joined(separator: ", "))"
            )
        }
    }

    package func removeSecret(_ name: String) async throws(AdministrationError) {
        let isDone = try await write { transaction throws(StoreError) in try transaction.removeSecret(name) }
        guard isDone else { throw AdministrationError(.notFound, "there is no secret '\(name)'") }
        guard let vault, let unsealed else { return }
        do {
            try await unsealed.reload(from: vault)
        } catch {
            throw AdministrationError(secret: error)
        }
    }

    // MARK: The store

    private func read<Result: Sendable>(
        _ body: @Sendable (any StoreReader) throws(StoreError) -> Result
    ) async throws(AdministrationError) -> Result {
        do {
            return try await store.read(body)
        } catch {
            throw AdministrationError(error)
        }
    }

    private func write<Result: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction) throws(StoreError) -> Result
    ) async throws(AdministrationError) -> Result {
        do {
            return try await writer.write(body)
        } catch {
            throw AdministrationError(error)
        }
    }

    private static func isOneLine(_ text: String) -> Bool {
        (1...254).contains(text.unicodeScalars.count)
            && text.unicodeScalars.allSatisfy {
                !$0.properties.isWhitespace && $0.properties.generalCategory != .control
            }
    }
}

extension AdministrationError {
    init(_ error: StoreError) { self.init(.unavailable, error.description) }

    /// The engine's refusal, with every finding about the input in one sentence.
    package init(_ error: EngineError) {
        switch error.code {
        case .unknownFlow, .unknownEvent: self.init(.notFound, error.message)
        case .forbidden: self.init(.invalid, error.message)
        case .invalidInput(let findings):
            let list = findings.map { "\($0.path): \($0.message)" }.joined(separator: "; ")
            self.init(.invalid, "the input is not what the flow declares: \(list)")
        case .unknownRun: self.init(.notFound, error.message)
        case .wrongState: self.init(.invalid, error.message)
        case .keyReused, .overloaded, .notReady, .store: self.init(.unavailable, error.message)
        }
    }

    /// What `SecretVault` threw: its own errors or those of its storage.
    init(secret error: any Error) {
        switch error {
        case let error as AdministrationError: self = error
        case let error as StoreError: self.init(error)
        case let error as SecretError where error.code == .malformedName || error.code == .unfitValue:
            self.init(.invalid, error.description)
        case let error as SecretError: self.init(.unavailable, error.description)
        default: self.init(.unavailable, "the secret could not be kept")
        }
    }
}
