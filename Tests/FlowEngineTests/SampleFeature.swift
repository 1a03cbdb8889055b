import Expressions
import FlowEngine
import FlowLanguage
import Synchronization

/// A small feature with one command of each kind, for the engine's own tests.
final class SampleFeature: Feature {
    private let finishedRuns = Mutex<[RunID]>([])

    /// Runs whose end was told, in order; an undone group may tell of one twice.
    var finished: [RunID] { finishedRuns.withLock { $0 } }

    private let abandonments = Mutex<[String]>([])

    /// Requests that ended without an answer: `path reason`.
    var abandoned: [String] { abandonments.withLock { $0 } }

    /// Leaves a row too, which a replay must meet as the run did.
    func abandoned(
        _ request: OutsideRequest,
        _ reason: Abandonment,
        in transaction: any StoreTransaction
    ) throws(StoreError) {
        abandonments.withLock { $0.append("\(request.path) \(reason)") }
        guard request.path.hasPrefix("/pair/") else { return }
        _ = try transaction.insert(into: "lines", [("text", "given back")])
    }

    static let service = ServiceDeclaration(
        name: "bank",
        commands: [charge, balance, letter, pair].map(\.declaration)
    )

    static let charge = SampleCommand(name: "charge", effect: .keyed, requests: 1)
    static let balance = SampleCommand(name: "balance", effect: .safe, requests: 1)
    static let letter = SampleCommand(name: "letter", effect: .once, requests: 1)
    static let pair = SampleCommand(name: "pair", effect: .keyed, requests: 2)

    func command(_ name: String, of service: String) -> (any Command)? {
        guard service == Self.service.name else { return nil }
        return [Self.charge, Self.balance, Self.letter, Self.pair].first { $0.declaration.name == name }
    }

    func handleCallback(
        _ trigger: CallbackTrigger,
        of run: RunRecord,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CallbackResult? { .output(["seen": run.start.trigger]) }

    func runFinished(_ run: RunRecord, in transaction: any StoreTransaction) throws(StoreError) {
        finishedRuns.withLock { $0.append(run.id) }
    }
}

/// Sends as many requests as it is told, and gives the last answer's status and the number of exchanges.
struct SampleCommand: Command {
    let declaration: CommandDeclaration
    private let requests: Int

    init(name: String, effect: Effect, requests: Int) {
        self.declaration = CommandDeclaration(
            name: name,
            summary: "Only for tests.",
            parameters: [ParameterDeclaration(name: "amount", type: .int, isRequired: true)],
            output: RecordType(name: name, fields: ["status": .init(.int), "exchanges": .init(.int)]),
            effect: effect
        )
        self.requests = requests
    }

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        // A programmer's mistake in a feature, which only a crash can show.
        precondition(call.data["amount"]?.intValue != 666, "poison")
        if call.data["amount"]?.intValue == 0 {
            return .fail(BlockFailure(code: "zero", type: "bank", message: "zero"))
        }
        return .send(request(1, call))
    }

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        let done = call.exchanges.count + 1
        if answer.status == 402 {
            return .fail(BlockFailure(code: "declined", type: "card_error", message: "declined", status: 402))
        }
        if done < requests { return .send(self.request(done + 1, call)) }
        return .succeed(["status": .int(Int64(answer.status)), "exchanges": .int(Int64(done))])
    }

    private func request(_ number: Int, _ call: CommandCall) -> OutsideRequest {
        OutsideRequest(
            connection: call.connection.name,
            method: "POST",
            path: "/\(declaration.name)/\(number)",
            body: Array("amount=\(call.data["amount"]?.intValue ?? 0)".utf8),
            effect: declaration.effect,
            key: declaration.effect == .keyed ? call.key : nil
        )
    }
}
