extension SimulatorState {
    /// The whole state as JSON: every object with its hidden members, what is planned, what is being delivered, and
    /// where the sequence of ids stands.
    func exported() -> JSONObject {
        [
            "accounts": .array(keysInOrder.compactMap { key in ledgers[key].map { .object($0.exported(as: key)) } }),
            "generator": .string(String(generator.state)), "identifiers": .string(String(identifiers.state)),
            "now_ms": .int(clock.now.milliseconds), "version": 1,
        ]
    }

    /// No amount, time or number that the simulator makes is larger; sums of such cannot overflow.
    private static let largestImported: Int64 = 1_000_000_000_000_000

    private static func isBounded(_ value: JSONValue) -> Bool {
        switch value {
        case .int(let number): number.magnitude <= largestImported.magnitude
        case .array(let elements): elements.allSatisfy(isBounded)
        case .object(let object): object.members.allSatisfy { isBounded($0.value) }
        default: true
        }
    }

    /// Reads a state back; nil when it is not one.
    init?(exported: JSONObject, settings: SimulatorSettings) {
        guard exported.int("version") == 1, let accounts = exported.array("accounts"),
            let generator = exported.string("generator").flatMap({ UInt64($0) }), let now = exported.int("now_ms"),
            now >= 0, now < Self.largestImported, Self.isBounded(.object(exported))
        else { return nil }
        var bare = settings
        bare.endpoints = []
        self.init(settings: bare)
        self.settings = settings
        hasBegun = true  // its endpoints are among its objects
        clock = VirtualClock(start: SimulatorInstant(milliseconds: now), runs: settings.clockRuns)
        self.generator = SeededGenerator(seed: generator)
        if let state = exported.string("identifiers").flatMap({ UInt64($0) }) {
            identifiers = SeededGenerator(seed: state)
        }
        for account in accounts {
            guard let object = account.object, let livemode = object.bool("livemode") else { return nil }
            let key = LedgerKey(livemode: livemode, account: object.string("account"))
            var ledger = Ledger(
                accountID: key.account ?? settings.accountID,
                livemode: livemode,
                accountVersion: settings.accountVersion,
                generator: SeededGenerator(seed: object.string("generator").flatMap { UInt64($0) } ?? 1),
                now: clock.now
            )
            ledger.baseURL = settings.baseURL
            guard ledger.restore(object) else { return nil }
            ledgers[key] = ledger
        }
    }
}

extension Ledger {
    fileprivate func exported(as key: SimulatorState.LedgerKey) -> JSONObject {
        var kept = JSONObject()
        for kind in ObjectKind.allCases {
            let rows = all(kind)
            if !rows.isEmpty { kept[kind.rawValue] = .array(rows.map(JSONValue.object)) }
        }
        var planned = JSONObject()
        for (clock, schedule) in schedules {
            let entries = schedule.heap.sorted(by: Schedule.Entry.precedes).map { entry -> JSONValue in
                [
                    "action": .string(entry.task.action.rawValue), "due_ms": .int(entry.due.milliseconds),
                    "id": .string(entry.task.id),
                ]
            }
            planned[clock.isEmpty ? "clock" : clock] = .array(entries)
        }
        let waiting = deliveries.active.values.sorted { $0.number < $1.number }.map { delivery -> JSONValue in
            [
                "attempts": .int(Int64(delivery.attempts.count)), "created_ms": .int(delivery.created.milliseconds),
                "due_ms": .int(delivery.due.milliseconds), "endpoint": .string(delivery.endpoint),
                "event": .string(delivery.event), "number": .int(delivery.number), "type": .string(delivery.type),
            ]
        }
        let keys = idempotency.records.sorted { $0.key < $1.key }.map { key, record -> JSONValue in
            [
                "body": record.body, "expires_ms": .int(record.expires.milliseconds),
                "fingerprint": .string(record.fingerprint), "key": .string(key),
                "request": .string(record.requestID), "should_retry": record.shouldRetry.map(JSONValue.bool) ?? .null,
                "status": .int(Int64(record.status)),
            ]
        }
        return [
            "account": .string(orNull: key.account), "deliveries": .array(waiting),
            "generator": .string(String(generator.state)), "idempotency": .array(keys),
            "livemode": .bool(key.livemode), "objects": .object(kept), "planned": .object(planned),
        ]
    }

    fileprivate mutating func restore(_ account: JSONObject) -> Bool {
        for member in account.object("objects")?.members ?? [] {
            guard let kind = ObjectKind(rawValue: member.key), let rows = member.value.array else { return false }
            for row in rows {
                guard let object = row.object, !object.id.isEmpty else { return false }
                insert(kind, object)
            }
        }
        for member in account.object("planned")?.members ?? [] {
            var entries: [(ScheduledTask, SimulatorInstant)] = []
            for entry in (member.value.array ?? []).compactMap(\.object) {
                guard let action = entry.string("action").flatMap(ScheduledTask.Action.init),
                    let due = entry.int("due_ms"),
                    let id = entry.string("id")
                else { return false }
                entries.append((ScheduledTask(action: action, id: id), SimulatorInstant(milliseconds: due)))
            }
            schedules[member.key == "clock" ? "" : member.key] = Schedule(entries)
        }
        for record in (account.array("idempotency") ?? []).compactMap(\.object) {
            guard let key = record.string("key"), let fingerprint = record.string("fingerprint"),
                let status = record.int("status"), (100...599).contains(status), let expires = record.int("expires_ms")
            else { return false }
            idempotency.keep(
                .init(
                    fingerprint: fingerprint,
                    status: Int(status),
                    body: record["body"] ?? .null,
                    requestID: record.string("request") ?? "",
                    shouldRetry: record.bool("should_retry"),
                    expires: SimulatorInstant(milliseconds: expires),
                    completes: now
                ),
                under: key
            )
        }
        return restoreDeliveries(account.array("deliveries") ?? [])
    }

    private mutating func restoreDeliveries(_ waiting: [JSONValue]) -> Bool {
        for delivery in waiting.compactMap(\.object) {
            guard let number = delivery.int("number"), number > 0, number < .max, let event = delivery.string("event"),
                let endpoint = delivery.string("endpoint"), let due = delivery.int("due_ms"),
                let created = delivery.int("created_ms")
            else { return false }
            var restored = DeliveryQueue.Delivery(
                number: number,
                event: event,
                type: delivery.string("type") ?? "",
                endpoint: endpoint,
                due: SimulatorInstant(milliseconds: due),
                created: SimulatorInstant(milliseconds: created)
            )
            let failed = DeliveryQueue.Attempt(at: restored.created, status: nil, failure: "before the export")
            restored.attempts = Array(repeating: failed, count: Int(min(max(delivery.int("attempts") ?? 0, 0), 10_000)))
            deliveries.restore(restored)
        }
        return true
    }
}
