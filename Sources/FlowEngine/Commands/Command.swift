package import Expressions
package import FlowLanguage

/// What `execute-connection-command` does for one command of one service: decides, sends nothing itself.
///
/// The engine runs `begin` in the group that makes the block's entry durable, sends the request only after that group
/// is on disk, and runs `receive` in the group that records the answer. After a crash, a request without a recorded
/// answer is sent again with the same key, and `receive` sees its answer: so both must be free of effects other than
/// what they write into `transaction`.
package protocol Command: Sendable {
    var declaration: CommandDeclaration { get }

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep

    /// Whether the block's author named the answer's status as one that the flow wants to see: then `receive` gets it,
    /// also one that else means "send it again".
    func expects(_ answer: OutsideAnswer, by data: ValueMap) -> Bool
}

extension Command {
    package func expects(_ answer: OutsideAnswer, by data: ValueMap) -> Bool { false }
}

package enum CommandStep: Sendable {
    case send(OutsideRequest)
    case succeed(ValueMap)
    case fail(BlockFailure)
}

/// One attempt of a command block.
package struct CommandCall: Sendable {
    package var address: EntryAddress
    package var connection: ConnectionDeclaration
    /// The evaluated `data`, checked against the declaration's parameters.
    package var data: ValueMap
    /// How the author, or else the command's declaration, lets the effect be repeated.
    package var effect: Effect
    package var mode: Mode
    package var caller: Caller
    /// The block's `now`.
    package var now: Timestamp
    /// The key for the next request, in `begin` the first.
    ///
    /// Derived from installation, run, path, visit, business attempt and call; the same after retries and restarts.
    /// The key of a request that was sent stands in the request.
    package var key: String
    /// What earlier requests of this attempt got, in order.
    package var exchanges: [Exchange]

    package struct Exchange: Sendable {
        package var request: OutsideRequest
        package var answer: OutsideAnswer

        package init(request: OutsideRequest, answer: OutsideAnswer) {
            self.request = request
            self.answer = answer
        }
    }

    package init(
        address: EntryAddress,
        connection: ConnectionDeclaration,
        data: ValueMap,
        effect: Effect = .keyed,
        mode: Mode,
        caller: Caller,
        now: Timestamp,
        key: String,
        exchanges: [Exchange] = []
    ) {
        self.address = address
        self.connection = connection
        self.data = data
        self.effect = effect
        self.mode = mode
        self.caller = caller
        self.now = now
        self.key = key
        self.exchanges = exchanges
    }
}

/// A request to a service, without credentials: it is journalled as it stands.
package struct OutsideRequest: Sendable, Hashable {
    /// The connection's name; the transport adds host and credentials of its service.
    package var connection: String
    package var method: String
    /// From the slash, with its query: `/v1/payment_intents`; for the service `http` perhaps a whole URL.
    package var path: String
    /// Lower-case names; never credentials.
    package var headers: [String: String]
    package var body: [UInt8]
    package var effect: Effect
    /// Sent as `Idempotency-Key` when the effect is `.keyed`.
    package var key: String?

    package init(
        connection: String,
        method: String,
        path: String,
        headers: [String: String] = [:],
        body: [UInt8] = [],
        effect: Effect,
        key: String? = nil
    ) {
        self.connection = connection
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.effect = effect
        self.key = key
    }
}

/// What a service answered.
package struct OutsideAnswer: Sendable, Hashable {
    package var status: Int
    /// Lower-case names.
    package var headers: [String: String]
    package var body: [UInt8]

    package init(status: Int, headers: [String: String] = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

/// Moves requests to services: adds host and credentials, reads no flow, keeps nothing.
package protocol Transport: Sendable {
    func send(_ request: OutsideRequest, mode: Mode) async -> TransportResult
}

package enum TransportResult: Sendable, Hashable {
    case answered(OutsideAnswer)
    /// The other side cannot have seen it (no connection, no key configured): safe to say "failed".
    case notSent(reason: String, retryable: Bool)
    /// To a request that changes nothing came an answer that cannot be taken, such as one that is too large; asking
    /// again would end the same way.
    case unusable(reason: String)
    /// It may have been executed.
    case lost(reason: String)
}
