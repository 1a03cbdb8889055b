package import Connections
package import Expressions
package import FlowEngine

/// What an operator does with an app's data: the same words with and without a running server.
///
/// `Administration` does it on an open store; `AdminClient` asks the server that has the store open.
package protocol Administering: Sendable {
    func status() async throws(AdministrationError) -> ServerStatus

    /// Newest first; at most `filter.limit`, and never more than 1,000.
    func runs(matching filter: RunFilter) async throws(AdministrationError) -> [RunSummary]

    /// What is recorded of a run, after waiting up to `waiting` for it to answer or end.
    ///
    /// Throws `.notFound` when there is no such run.
    func report(of run: RunID, waiting: Duration) async throws(AdministrationError) -> RunReport

    /// Exports a run as a capsule, without any secret.
    ///
    /// Throws `.notFound` when there is no such run; `.unavailable` when the secrets that must stay out of it cannot be
    /// opened.
    func capsule(of run: RunID) async throws(AdministrationError) -> [UInt8]

    /// Starts a page flow, or a cloud flow with the trigger `manual`, as an admin of that id; durable when this returns.
    ///
    /// Throws `.notFound`; `.invalid` for a flow that runs behind another trigger, and for input that does not fit.
    func start(_ flow: String, input: ValueMap, as caller: String) async throws(AdministrationError) -> RunID

    /// Sends an event to the runs that wait for it, now or later, as an admin; it is durable when this returns.
    ///
    /// - Throws: `.notFound` for an event that the app does not declare.
    func sendEvent(
        _ name: String,
        key: String?,
        data: Value,
        idempotencyKey: String?
    ) async throws(AdministrationError) -> EventReceipt

    /// Does to a run what an operator wants; durable when this returns.
    ///
    /// - Returns: The run as it stands then: a wish may have to wait for an answer.
    /// - Throws: `.notFound`; `.invalid` for a run in whose state it cannot be done.
    func change(_ run: RunID, _ change: RunChange) async throws(AdministrationError) -> RunSummary

    /// Does a run again, or tells what that would repeat.
    ///
    /// - Throws: `.notFound`; `.invalid` when it cannot be done again from there, or with that input.
    func rerun(_ run: RunID, _ order: RerunOrder) async throws(AdministrationError) -> RerunOutcome

    /// - Returns: The token's text, which is kept nowhere and cannot be shown again, and its record.
    /// - Throws: `.invalid` for roles that the app does not declare and ids that are not one line of text.
    func createToken(for caller: Caller) async throws(AdministrationError) -> IssuedToken
    func tokens() async throws(AdministrationError) -> [TokenSummary]
    /// - Throws: `.notFound`, also when it is revoked already.
    func revokeToken(id: String) async throws(AdministrationError)

    func secretNames() async throws(AdministrationError) -> [String]
    /// Seals and keeps a secret; a running server uses it from the next request on.
    ///
    /// - Throws: `.invalid` when the value does not fit the name, such as a live key under a test name.
    func setSecret(_ name: String, to secret: Secret) async throws(AdministrationError)
    /// - Throws: `.notFound`
    func removeSecret(_ name: String) async throws(AdministrationError)

    /// Copies one moment of the store to a new file (0600) while work goes on.
    ///
    /// - Parameter path: Absolute, as the server sees it; nothing may stand there yet.
    /// - Returns: The copy's size in bytes.
    /// - Throws: `.invalid` for a path that is not absolute; else what the store says that cannot be copied.
    func backUp(to path: String) async throws(AdministrationError) -> Int

    /// How the payment feature stands, as `PaymentsOverview.value` tells it.
    func paymentsStatus() async throws(AdministrationError) -> Value
    /// Compares what is recorded with Stripe as far back as `span`; the answer is `ReconciliationReport.value`.
    func reconcilePayments(since span: Duration) async throws(AdministrationError) -> Value
}

extension Administering {
    /// Starts a flow by hand as `operator`.
    package func start(_ flow: String, input: ValueMap) async throws(AdministrationError) -> RunID {
        try await start(flow, input: input, as: "operator")
    }

    package func report(of run: RunID) async throws(AdministrationError) -> RunReport {
        try await report(of: run, waiting: .zero)
    }
}

/// What an operator does to a run.
package enum RunChange: Sendable, Hashable {
    case cancel, pause
    /// Also of a quarantined run.
    case resume
    /// Of a run whose outcome is unknown: send the request again, with the key that it had.
    case sendAgain
    /// Of a run whose outcome is unknown: it was executed, and this is what the block gives.
    case markDone(output: ValueMap)
    /// Of a run whose outcome is unknown: it was not executed, or was undone.
    case markFailed(message: String)
}

/// A server that runs.
package struct ServerStatus: Sendable, Hashable {
    package var processID: Int32
    package var app: String
    package var mode: Mode
    package var version: String
    /// Nil without a server.
    package var port: Int?
    package var isReady: Bool

    package init(processID: Int32, app: String, mode: Mode, version: String, port: Int?, isReady: Bool) {
        self.processID = processID
        self.app = app
        self.mode = mode
        self.version = version
        self.port = port
        self.isReady = isReady
    }
}

/// A token at the one moment when its text is known.
package struct IssuedToken: Sendable, Hashable {
    /// Begins with `rnl_`.
    package var text: String
    package var summary: TokenSummary

    package init(text: String, summary: TokenSummary) {
        self.text = text
        self.summary = summary
    }
}

/// A token as lists show it.
package struct TokenSummary: Sendable, Hashable {
    package var id: String
    package var caller: Caller
    package var createdAt: Timestamp
    package var revokedAt: Timestamp?

    package init(id: String, caller: Caller, createdAt: Timestamp, revokedAt: Timestamp? = nil) {
        self.id = id
        self.caller = caller
        self.createdAt = createdAt
        self.revokedAt = revokedAt
    }

    package init(_ record: TokenRecord) {
        self.init(id: record.id, caller: record.caller, createdAt: record.createdAt, revokedAt: record.revokedAt)
    }
}
