import Expressions
import FlowEngine
import FlowLanguage

/// Names one change of one object, such as the success of an intent: what a callback run takes on.
struct CallbackClaim: Sendable, Hashable {
    var object: String
    var transition: String

    init(object: String, transition: String) {
        self.object = object
        self.transition = transition
    }

    /// The claim that a run was started for, from its trigger; nil for a run that no event started.
    init?(trigger: Value) {
        guard let object = trigger["claim"]?["object"]?.stringValue,
            let transition = trigger["claim"]?["transition"]?.stringValue
        else { return nil }
        self.init(object: object, transition: transition)
    }

    var value: Value { .map(["object": .string(object), "transition": .string(transition)]) }
}

/// Which run has taken on which change: rows of `payment_transitions`.
///
/// `new` → `in-progress` by one run → `done` when that run succeeded, or back to `new` when it failed. All of it happens
/// in the transactions that write the run's own entries, so a crash cannot come between.
struct CallbackClaims {
    enum State: String, Sendable, Hashable {
        case new
        case inProgress = "in-progress"
        case done
    }

    enum Taking: Sendable, Hashable {
        /// This run has it, since now or from before.
        case taken
        /// Another run has it and has not ended.
        case busy
        /// A run that had it has succeeded.
        case done
    }

    private let transaction: any StoreTransaction
    private static let table = PaymentsTables.transitions.name

    init(_ transaction: any StoreTransaction) {
        self.transaction = transaction
    }

    /// Inserts the row of a change, once for each flow; not for one that came after the change was done.
    ///
    /// A flow that has another name now is such a one: what was done under its former name must not be done again.
    /// - Returns: whether it is new.
    func open(_ claim: CallbackClaim, flow: String) throws(StoreError) -> Bool {
        guard try row(claim, flow: flow) == nil, try !has(claim, in: [.done]) else { return false }
        try insert(claim, flow: flow)
        return true
    }

    private func insert(_ claim: CallbackClaim, flow: String) throws(StoreError) {
        _ = try transaction.insert(
            into: Self.table,
            [
                ("object", .string(claim.object)), ("transition", .string(claim.transition)), ("flow", .string(flow)),
            ]
        )
    }

    /// Takes a change on for a run; taking it twice is the same as once.
    func take(_ claim: CallbackClaim, flow: String, run: RunID) throws(StoreError) -> Taking {
        if try row(claim, flow: flow) == nil { try insert(claim, flow: flow) }
        guard let row = try row(claim, flow: flow) else { return .busy }
        switch row["state"]?.stringValue.flatMap(State.init(rawValue:)) {
        case .done:
            return .done
        case .inProgress:
            let holder = row["run"]?.intValue
            if holder == run.rawValue { return .taken }
            // A holder that is final without having succeeded released it; a missing one never will.
            if let holder, let other = try transaction.run(RunID(holder)), !other.status.isFinal { return .busy }
            return try set(claim, flow: flow, from: .inProgress, to: .inProgress, run: run) ? .taken : .busy
        case .new, nil:
            return try set(claim, flow: flow, from: .new, to: .inProgress, run: run) ? .taken : .busy
        }
    }

    /// Marks what a run had taken on as done, or gives it back.
    /// - Returns: how much that was.
    func finish(_ run: RunID, succeeded: Bool) throws(StoreError) -> Int {
        try transaction.update(
            RecordUpdate(
                table: Self.table,
                where: [
                    ResolvedCondition("run", equals: .int(run.rawValue)),
                    ResolvedCondition("state", equals: .string(State.inProgress.rawValue)),
                ],
                set: succeeded
                    ? [ResolvedAssignment("state", .string(State.done.rawValue))]
                    : [ResolvedAssignment("state", .string(State.new.rawValue)), ResolvedAssignment("run", .null)]
            )
        )
    }

    /// The place of a change in the order in which changes were first seen, by whichever flow; nil when it never was.
    func number(of claim: CallbackClaim) throws(StoreError) -> Int64? {
        let query = RecordQuery(table: Self.table, where: Self.conditions(claim), limit: 1)
        return try transaction.find(query).first?["id"]?.intValue
    }

    /// Whether a flow has still to deal with a change.
    func isPending(_ claim: CallbackClaim) throws(StoreError) -> Bool { try has(claim, in: [.new, .inProgress]) }

    private func has(_ claim: CallbackClaim, in states: [State]) throws(StoreError) -> Bool {
        let isOneOf = ResolvedCondition("state", .in, .value(.list(states.map { .string($0.rawValue) })))
        let query = RecordQuery(
            table: Self.table,
            where: Self.conditions(claim) + [isOneOf],
            limit: 1,
            isNotedWhenEmpty: false
        )
        return try !transaction.find(query).isEmpty
    }

    private func set(
        _ claim: CallbackClaim,
        flow: String,
        from old: State,
        to new: State,
        run: RunID
    ) throws(StoreError) -> Bool {
        let conditions =
            Self.conditions(claim, flow: flow) + [ResolvedCondition("state", equals: .string(old.rawValue))]
        let set = [ResolvedAssignment("state", .string(new.rawValue)), ResolvedAssignment("run", .int(run.rawValue))]
        return try transaction.update(RecordUpdate(table: Self.table, where: conditions, set: set)) == 1
    }

    private func row(_ claim: CallbackClaim, flow: String) throws(StoreError) -> ValueMap? {
        let query = RecordQuery(table: Self.table, where: Self.conditions(claim, flow: flow), limit: 1)
        return try transaction.find(query).first
    }

    private static func conditions(_ claim: CallbackClaim, flow: String) -> [ResolvedCondition] {
        conditions(claim) + [ResolvedCondition("flow", equals: .string(flow))]
    }

    private static func conditions(_ claim: CallbackClaim) -> [ResolvedCondition] {
        [
            ResolvedCondition("object", equals: .string(claim.object)),
            ResolvedCondition("transition", equals: .string(claim.transition)),
        ]
    }
}
