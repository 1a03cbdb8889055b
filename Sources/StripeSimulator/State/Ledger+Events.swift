extension Ledger {
    /// Records that something happened to an object and queues it for the endpoints that asked for it.
    ///
    /// `before` is the object before the change; the fields that differ become `previous_attributes`.
    mutating func emit(_ type: String, _ object: JSONObject, before: JSONObject? = nil) {
        let snapshot = shown(object)
        var data: JSONObject = ["object": .object(snapshot)]
        if let before {
            let previous = Self.difference(from: shown(before), to: snapshot)
            if !previous.isEmpty { data["previous_attributes"] = .object(previous) }
        }
        let request: JSONValue = [
            "id": .string(orNull: cause?.id), "idempotency_key": .string(orNull: cause?.idempotencyKey),
        ]
        let id = newID(.event)
        let endpoints = endpoints.filter { Self.listens($0, to: type) }
        let event: JSONObject = [
            "id": .string(id), "object": "event", "api_version": .string(accountVersion.text),
            "created": .int(now.seconds), "data": .object(data), "livemode": .bool(livemode),
            "pending_webhooks": .int(Int64(endpoints.count)), "request": request, "type": .string(type),
        ]
        insert(.event, event)
        for endpoint in endpoints { deliveries.add(event: id, type: type, endpoint: endpoint.id, at: now) }
    }

    /// Changes a kept object, and emits an event with the difference.
    @discardableResult
    mutating func change(
        _ kind: ObjectKind,
        _ id: String,
        emitting type: String?,
        _ change: (inout JSONObject) -> Void
    ) -> JSONObject {
        guard let before = find(kind, id) else { return JSONObject() }
        update(kind, id, change)
        let after = find(kind, id) ?? before
        if let type { emit(type, after, before: type.hasSuffix("updated") ? before : nil) }
        return after
    }

    private static func listens(_ endpoint: JSONObject, to type: String) -> Bool {
        guard endpoint.status == "enabled" else { return false }
        let wanted = endpoint.array("enabled_events") ?? []
        let name = endpoint.string("event_payload") == "thin" ? "v1." + type : type
        return wanted.contains(.string("*")) || wanted.contains(.string(name))
    }

    /// The members of `old` that `new` lacks or has otherwise; hashes are compared member by member.
    private static func difference(from old: JSONObject, to new: JSONObject) -> JSONObject {
        var result = JSONObject()
        for member in old.members {
            let now = new[member.key]
            guard now != member.value else { continue }
            if case .object(let oldInner) = member.value, case .some(.object(let newInner)) = now {
                result[member.key] = .object(difference(from: oldInner, to: newInner))
            } else {
                result[member.key] = member.value
            }
        }
        for member in new.members where old[member.key] == nil { result[member.key] = .null }
        return result
    }
}
