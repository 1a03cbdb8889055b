extension SimulatorState {
    /// The whole state as JSON: every object with its hidden members, what is planned, and what is being delivered.
    func exported() -> JSONObject {
        var accounts: [JSONValue] = []
        for (key, ledger) in ledgers.sorted(by: { $0.key.order < $1.key.order }) {
            var objects = JSONObject()
            for kind in ObjectKind.allCases where kind != .event {
                let rows = ledger.all(kind)
                if !rows.isEmpty { objects[kind.rawValue] = .array(rows.map(JSONValue.object)) }
            }
            var planned = JSONObject()
            for (clock, schedule) in ledger.schedules {
                let entries = schedule.heap.sorted(by: Schedule.Entry.precedes).map { entry -> JSONValue in
                    [
                        "action": .string(entry.task.action.rawValue), "due_ms": .int(entry.due.milliseconds),
                        "id": .string(entry.task.id),
                    ]
                }
                planned[clock.isEmpty ? "clock" : clock] = .array(entries)
            }
            accounts.append([
                "account": .string(orNull: key.account), "events": .array(ledger.all(.event).map(JSONValue.object)),
                "livemode": .bool(key.livemode), "objects": .object(objects), "planned": .object(planned),
            ])
        }
        return ["accounts": .array(accounts), "now_ms": .int(clock.now.milliseconds)]
    }
}
