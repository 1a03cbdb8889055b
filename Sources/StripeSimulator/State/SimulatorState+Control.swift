/// The simulator's own operations, under `/_simulator`. They need no key; parameters come as JSON or as a form.
///
/// | operation | what it does |
/// | --- | --- |
/// | `GET /` | account, version, clock, seed |
/// | `GET clock`, `POST clock/advance` | tells the time; moves it by `seconds` or `to` a Unix time, doing all that is due |
/// | `POST reset` | forgets everything; configured endpoints are there again |
/// | `GET state`, `POST state` | exports the whole state; replaces it by an exported one |
/// | `GET events` | every event with its deliveries and their attempts |
/// | `POST events/ID/resend` | sends an event again to all endpoints |
/// | `POST webhook_endpoints/ID/roll` | new secret; the old one signs beside it for `overlap_seconds` |
/// | `GET`, `POST`, `DELETE faults` | lists, adds, clears faults |
/// | `POST trigger` | makes an `event` happen, with `override`, `add` and `remove` (`step:path=value`) |
///
/// A fault has an `action`: for requests `answer` (with `status`), `tear_before`, `tear_after`, `slow` (`delay_ms`); for
/// web hooks `duplicate`, `drop`, `delay` (`delay_ms`), `reorder`. It meets what matches `method` and `path` (a
/// beginning), or `event` (a beginning), after `skip` matches, `times` times, with `probability`.
extension SimulatorState {
    struct ControlError: Error {
        let status: Int
        let message: String
    }

    /// Answers a control request.
    ///
    /// Parameters come as JSON, as a form or in the query.
    mutating func control(_ request: SimulatorRequest) -> SimulatorResponse {
        let path = request.path.dropFirst("/_simulator".count).split(separator: "/").map(String.init)
        do throws(ControlError) {
            let parameters = try Self.parameters(of: request)
            return Self.answer(.object(try control(request.method, path, parameters)))
        } catch {
            return Self.answer(["error": ["message": .string(error.message)]], status: error.status)
        }
    }

    private mutating func control(
        _ method: String,
        _ path: [String],
        _ parameters: JSONObject
    ) throws(ControlError) -> JSONObject {
        switch (method, path.first, path.count) {
        case ("GET", .none, _): return overview()
        case ("GET", "clock", 1): return clockObject()
        case ("POST", "clock", 2) where path[1] == "advance": return try advanceClock(parameters)
        case ("POST", "reset", 1):
            reset()
            return overview()
        case ("GET", "faults", 1): return faultList()
        case ("POST", "faults", 1): return try addFaults(parameters)
        case ("DELETE", "faults", 1):
            faults.clear()
            return faultList()
        case ("GET", "events", 1): return eventLog(limit: parameters.int("limit") ?? 1_000)
        case ("POST", "events", 3) where path[2] == "resend": return try resend(path[1])
        case ("POST", "webhook_endpoints", 3) where path[2] == "roll": return try roll(path[1], parameters)
        case ("GET", "state", 1): return exported()
        case ("POST", "state", 1):
            guard let imported = SimulatorState(exported: parameters, settings: settings) else {
                throw ControlError(status: 400, message: "This is not a state that the simulator exported.")
            }
            take(imported)
            return overview()
        case ("POST", "trigger", 1): return try trigger(parameters)
        default: throw ControlError(status: 404, message: "The simulator has no such operation.")
        }
    }

    private static func answer(_ value: JSONValue, status: Int = 200) -> SimulatorResponse {
        SimulatorResponse(
            status: status,
            headers: [("Content-Type", "application/json"), ("Cache-Control", "no-store")],
            body: JSONPrinter.bytes(of: value)
        )
    }

    private static func parameters(of request: SimulatorRequest) throws(ControlError) -> JSONObject {
        let isJSON =
            request.body.first { $0 > 0x20 }.map { [UInt8(ascii: "{"), UInt8(ascii: "[")].contains($0) } ?? false
        if isJSON {
            do throws(JSONParser.Failure) {
                let value = try JSONParser.value(of: request.body)
                return value.object ?? ["rules": value]
            } catch {
                throw ControlError(status: 400, message: "The JSON is wrong at byte \(error.offset): \(error.reason).")
            }
        }
        do throws(StripeError) {
            var result = JSONObject()
            for (key, value) in try FormDecoder.decode(request.query) + FormDecoder.decode(request.body) {
                if case .text(let text) = value { result[key] = Int64(text).map(JSONValue.int) ?? .string(text) }
            }
            return result
        } catch {
            throw ControlError(status: 400, message: error.message)
        }
    }

    private func overview() -> JSONObject {
        [
            "account": .string(settings.accountID), "api_version": .string(settings.accountVersion.text),
            "clock": .object(clockObject()), "seed": .int(Int64(truncatingIfNeeded: settings.seed)),
            "webhook_retries": .string(settings.retries.rawValue),
        ]
    }

    // MARK: Time

    private func clockObject() -> JSONObject {
        [
            "now": .int(clock.now.seconds), "now_ms": .int(clock.now.milliseconds), "runs": .bool(clock.runs),
            "next_due": .int(orNull: nextDue?.seconds),
        ]
    }

    /// The clock may go this far in one step.
    private static let longestAdvance: Int64 = 20 * 366 * 86_400

    private mutating func advanceClock(_ parameters: JSONObject) throws(ControlError) -> JSONObject {
        let seconds: Int64
        if let given = parameters.int("seconds") {
            seconds = given
        } else if let target = parameters.int("to") {
            let (difference, overflow) = target.subtractingReportingOverflow(clock.now.seconds)
            seconds = overflow ? -1 : difference
        } else {
            throw ControlError(status: 400, message: "Say how far: `seconds`, or `to` as a Unix time.")
        }
        guard (0...Self.longestAdvance).contains(seconds) else {
            throw ControlError(status: 400, message: "The clock goes forward, and at most 20 years at once.")
        }
        advance(to: clock.now.adding(seconds: seconds))
        return clockObject()
    }

    // MARK: Faults

    private mutating func addFaults(_ parameters: JSONObject) throws(ControlError) -> JSONObject {
        for rule in parameters.array("rules") ?? [.object(parameters)] {
            guard let rule = rule.object, let action = rule.string("action").flatMap(FaultRules.Action.init) else {
                let known = FaultRules.Action.allCases.map(\.rawValue).joined(separator: ", ")
                throw ControlError(status: 400, message: "A rule needs an `action`: \(known).")
            }
            var added = FaultRules.Rule(action: action)
            let status = rule.int("status") ?? 500
            guard (400...599).contains(status) else {
                throw ControlError(status: 400, message: "`status` is 400 to 599.")
            }
            added.status = Int(status)
            added.delayMilliseconds = min(max(rule.int("delay_ms") ?? 0, 0), 600_000)
            added.method = rule.string("method")?.uppercased()
            added.prefix = rule.string("path") ?? rule.string("event") ?? ""
            added.skip = Int(clamping: max(rule.int("skip") ?? 0, 0))
            added.times = rule.int("times").map { Int(clamping: max($0, 0)) }
            switch rule["probability"] {
            case .some(.double(let share)): added.probability = min(max(share, 0), 1)
            case .some(.int(let share)): added.probability = share > 0 ? 1 : 0
            default: break
            }
            guard faults.rules.count < 1_000 else { throw ControlError(status: 400, message: "Too many rules.") }
            faults.add(added)
        }
        return faultList()
    }

    private func faultList() -> JSONObject {
        let rules = faults.rules.map { rule -> JSONValue in
            [
                "action": .string(rule.action.rawValue),
                "status": rule.action == .answer ? .int(Int64(rule.status)) : .null,
                "delay_ms": .int(rule.delayMilliseconds), "method": .string(orNull: rule.method),
                rule.action.concernsWebhooks ? "event" : "path": .string(rule.prefix), "skip": .int(Int64(rule.skip)),
                "times": .int(orNull: rule.times.map(Int64.init)), "probability": .double(rule.probability),
            ]
        }
        return ["rules": .array(rules)]
    }

    // MARK: Web hooks

    /// Every event with its deliveries, oldest first.
    private func eventLog(limit: Int64) -> JSONObject {
        var entries: [JSONValue] = []
        for (key, ledger) in ledgers.sorted(by: { $0.key.order < $1.key.order }) {
            var byEvent: [String: [JSONValue]] = [:]
            let deliveries =
                ledger.deliveries.history + ledger.deliveries.active.values.sorted { $0.number < $1.number }
            for delivery in deliveries {
                byEvent[delivery.event, default: []].append(Self.object(of: delivery, in: ledger))
            }
            for event in ledger.all(.event).suffix(Int(clamping: max(limit, 0))) {
                entries.append([
                    "id": .string(event.id), "account": .string(orNull: key.account),
                    "created": event["created"] ?? .null, "deliveries": .array(byEvent[event.id] ?? []),
                    "livemode": .bool(key.livemode),
                    "object": .string(orNull: event.value(at: "data", "object", "id")?.string),
                    "type": event["type"] ?? .null,
                ])
            }
        }
        return ["events": .array(entries)]
    }

    private static func object(of delivery: DeliveryQueue.Delivery, in ledger: Ledger) -> JSONValue {
        let attempts = delivery.attempts.map { attempt -> JSONValue in
            [
                "at_ms": .int(attempt.at.milliseconds), "failure": .string(orNull: attempt.failure),
                "status": .int(orNull: attempt.status.map(Int64.init)),
            ]
        }
        return [
            "attempts": .array(attempts), "endpoint": .string(delivery.endpoint),
            "next_attempt_ms": delivery.state == .waiting ? .int(delivery.due.milliseconds) : .null,
            "state": .string(delivery.state.rawValue),
            "url": .string(
                orNull: ledger.endpoint(delivery.endpoint).flatMap { $0.string("url") ?? $0.string("_url") }
            ),
        ]
    }

    private mutating func resend(_ id: String) throws(ControlError) -> JSONObject {
        for key in keysInOrder {
            guard let event = ledgers[key]?.find(.event, id), let endpoints = ledgers[key]?.endpoints else {
                continue
            }
            for endpoint in endpoints where endpoint.status == "enabled" {
                ledgers[key]?.deliveries.add(
                    event: id,
                    type: event.string("type") ?? "",
                    endpoint: endpoint.id,
                    at: clock.now,
                    isFaulted: true
                )
            }
            return event
        }
        throw ControlError(status: 404, message: "No such event: '\(id.prefix(64))'")
    }

    private mutating func roll(_ id: String, _ parameters: JSONObject) throws(ControlError) -> JSONObject {
        let overlap = min(max(parameters.int("overlap_seconds") ?? 86_400, 0), 86_400)
        for key in keysInOrder {
            guard ledgers[key]?.find(.webhookEndpoint, id) != nil else { continue }
            if let secret = ledgers[key]?.rollSecret(id, overlapSeconds: overlap) {
                return ["id": .string(id), "secret": .string(secret)]
            }
        }
        throw ControlError(status: 404, message: "No such webhook endpoint: '\(id.prefix(64))'")
    }
}

extension SimulatorState {
    /// The keys of all ledgers, apart from the dictionary, so that a ledger changed in a loop changes in place.
    var keysInOrder: [LedgerKey] { ledgers.keys.sorted { $0.order < $1.order } }
}

extension SimulatorState.LedgerKey {
    /// Test before live, the platform's own before connected accounts.
    var order: String { (livemode ? "1" : "0") + (account ?? "") }
}
