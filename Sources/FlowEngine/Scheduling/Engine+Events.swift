package import Expressions
import FlowLanguage

/// What became of an event that was sent.
package struct EventReceipt: Sendable, Hashable {
    package var id: Int64
    /// It was sent before, with the same idempotency key.
    package var isRepeated: Bool

    package init(id: Int64, isRepeated: Bool) {
        self.id = id
        self.isRepeated = isRepeated
    }
}

// Events that runs wait for.
extension Engine {
    /// Takes an event in for the runs that wait for it, now or later; it is durable when this returns.
    ///
    /// A run sees, in order and each once, the events of a subject that came since the run was created: one that comes
    /// before the `wait` is not lost. Events are kept for `Limits.eventDays` days.
    /// - Throws: `.unknownEvent`, `.forbidden`, `.invalidInput`, `.keyReused`, `.overloaded`, `.notReady`: nothing
    ///   happened. `.store(.unavailable)`: it may have happened; send it again with the same idempotency key.
    package func receive(
        event name: String,
        key: String?,
        data: Value,
        caller: Caller,
        idempotencyKey: String? = nil
    ) async throws(EngineError) -> EventReceipt {
        try checkIntake()
        guard let declared = app.events.first(where: { $0.name == name }) else {
            throw EngineError(.unknownEvent, "there is no event of that name")
        }
        guard caller.isAllowed(declared.access) else {
            throw EngineError(.forbidden, "the caller may not send this event")
        }
        var findings: [InputFinding] = []
        if let key, !EventSubject.isKey(key) {
            findings.append(InputFinding(path: "key", message: "has 1 to \(Limits.eventKeyBytes) bytes"))
        }
        if let key = idempotencyKey, key.isEmpty || key.utf8.count > Limits.idempotencyKeyBytes {
            let message = "has 1 to \(Limits.idempotencyKeyBytes) bytes"
            findings.append(InputFinding(path: "Idempotency-Key", message: message))
        }
        guard findings.isEmpty else { throw EngineError(.invalidInput(findings), "the event does not fit") }
        let event = EventRecord(
            subject: EventSubject(name: name, key: key),
            data: data,
            caller: caller,
            mode: mode,
            idempotencyKey: idempotencyKey,
            receivedAt: clock.now()
        )
        let receipt: EventReceipt?
        do throws(StoreError) {
            receipt = try await writer.perform { (transaction, _) throws(StoreError) -> EventReceipt? in
                let receipt = try Self.record(event, in: transaction)
                try Failpoint.ingestBeforeCommit.reach()
                return receipt
            } then: { [self] _ in
                Failpoint.ingestAfterCommit.pass()
                requestLook()
            }
        } catch {
            stall(after: error)
            throw EngineError(error)
        }
        guard let receipt else {
            throw EngineError(.keyReused, "the idempotency key was used before with other data")
        }
        return receipt
    }

    /// - Returns: Nil when the idempotency key came before with other data.
    private static func record(
        _ event: EventRecord,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> EventReceipt? {
        if let known = try transaction.repeatedEvent(event) {
            return known.data == event.data ? EventReceipt(id: known.id, isRepeated: true) : nil
        }
        let id = try transaction.insertEvent(event)
        try transaction.wakeRuns(awaiting: event)
        if let oldest = event.receivedAt - .seconds(Limits.eventDays * 86_400) {
            try transaction.removeEvents(receivedBefore: oldest, limit: 100)
        }
        return EventReceipt(id: id, isRepeated: false)
    }
}
