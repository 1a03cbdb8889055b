/// Event destinations of /v2: endpoints that get thin events, or snapshots as web-hook endpoints do.
extension Ledger {
    static let eventDestinationRoutes: [Route] = [
        .post(
            "v2/core/event_destinations",
            """
            description:s enabled_events:a! event_payload:snapshot|thin! events_from:a include:a metadata:m name:s!
            snapshot_api_version:s type:webhook_endpoint! webhook_endpoint{url:s!}
            """
        ) { ledger, call throws(StripeError) in try ledger.createEventDestination(call) },
        .get("v2/core/event_destinations", "include:a limit:i") { ledger, call throws(StripeError) in
            let limit = try Self.limit(call)
            let found = ledger.all(.eventDestination).reversed().prefix(limit)
            return [
                "data": .array(found.map { .object(ledger.visible($0)) }), "next_page_url": nil,
                "previous_page_url": nil,
            ]
        },
        .get("v2/core/event_destinations/:id", "include:a") { ledger, call throws(StripeError) in
            Self.including(call, try ledger.require(.eventDestination, call.id))
        },
        .post("v2/core/event_destinations/:id/disable") { ledger, call throws(StripeError) in
            try ledger.setEventDestination(call, "disabled", ["disabled": ["reason": "user"]])
        },
        .post("v2/core/event_destinations/:id/enable") { ledger, call throws(StripeError) in
            try ledger.setEventDestination(call, "enabled", .null)
        },
        .delete("v2/core/event_destinations/:id") { ledger, call throws(StripeError) in
            let destination = try ledger.require(.eventDestination, call.id)
            ledger.objects[.eventDestination]?[destination.id] = nil
            return ["id": .string(destination.id), "object": "v2.core.event_destination", "deleted": true]
        },
        .get("v2/core/events/:id") { ledger, call throws(StripeError) in
            guard let event = ledger.all(.event).last(where: { Self.thinID($0.id) == call.id }) else {
                throw StripeError.missingObject("event", call.id)
            }
            var thin = Self.thin(event)
            thin["snapshot_event"] = .string(event.id)
            return thin
        },
    ]

    private mutating func createEventDestination(_ call: Call) throws(StripeError) -> JSONObject {
        let url = call.object("webhook_endpoint")?.string("url") ?? ""
        try Self.checkURL(url)
        let events = call.strings("enabled_events") ?? []
        let isThin = call.string("event_payload") == "thin"
        try Self.checkEvents(events, areThin: isThin)
        let time = JSONValue.string(Self.timeText(now.seconds))
        let destination: JSONObject = [
            "id": .string(newID(.eventDestination)), "object": "v2.core.event_destination", "created": time,
            "description": .string(call.string("description") ?? ""), "enabled_events": .strings(events),
            "event_payload": call.value("event_payload"),
            "events_from": .strings(call.strings("events_from") ?? ["@self"]), "livemode": .bool(livemode),
            "metadata": .object(call.updatedMetadata(nil)), "name": call.value("name"),
            "snapshot_api_version": isThin
                ? .null : .string(call.string("snapshot_api_version") ?? accountVersion.text), "status": "enabled",
            "status_details": nil, "type": "webhook_endpoint", "updated": time, "webhook_endpoint": nil,
            "_secret": .string("whsec_" + generator.characters(32)), "_url": .string(url),
        ]
        insert(.eventDestination, destination)
        return Self.including(call, destination, isNew: true)
    }

    private mutating func setEventDestination(
        _ call: Call,
        _ status: String,
        _ details: JSONValue
    ) throws(StripeError) -> JSONObject {
        let destination = try require(.eventDestination, call.id)
        let time = Self.timeText(now.seconds)
        return change(.eventDestination, destination.id, emitting: nil) { destination in
            destination["status"] = .string(status)
            destination["status_details"] = details
            destination["updated"] = .string(time)
        }
    }

    /// With what `include` asks for; the secret is told once, in the answer to the creation.
    private static func including(_ call: Call, _ destination: JSONObject, isNew: Bool = false) -> JSONObject {
        var shown = JSONObject()
        for name in call.strings("include") ?? [] {
            if name == "webhook_endpoint.url" { shown["url"] = destination["_url"] }
            if name == "webhook_endpoint.signing_secret", isNew { shown["signing_secret"] = destination["_secret"] }
        }
        var result = destination
        if !shown.isEmpty { result["webhook_endpoint"] = .object(shown) }
        return result
    }

    // MARK: Thin events

    /// What is delivered of an event to a thin destination: what happened to which object, and nothing of its content.
    static func thin(_ event: JSONObject) -> JSONObject {
        let object = event.value(at: "data", "object")?.object ?? [:]
        var thin: JSONObject = [
            "id": .string(thinID(event.id)), "object": "v2.core.event",
            "created": .string(timeText(event.int("created") ?? 0)), "livemode": event["livemode"] ?? false,
            "reason": nil, "related_object": related(object), "type": .string("v1." + (event.string("type") ?? "")),
        ]
        if let request = event.object("request"), request.has("id") {
            thin["reason"] = ["request": .object(request), "type": "request"]
        }
        return thin
    }

    /// A thin event has an id beside its snapshot's, so that drawing it changes no other id.
    private static func thinID(_ id: String) -> String { "evt_test_6" + id.dropFirst("evt_".count) }

    private static func related(_ object: JSONObject) -> JSONValue {
        let type = object.string("object") ?? ""
        guard !object.id.isEmpty, !["card", "discount", "source", "subscription_item"].contains(type) else {
            return .null
        }
        let place = type.split(separator: ".").joined(separator: "/") + "s"
        return ["id": .string(object.id), "type": .string(type), "url": .string("/v1/\(place)/\(object.id)")]
    }

    /// `2026-11-20T12:00:00.000Z`: times of /v2 are texts.
    static func timeText(_ seconds: Int64) -> String {
        let date = CalendarDate(seconds: seconds)
        func digits(_ number: Int64, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let time = [date.secondOfDay / 3_600, date.secondOfDay / 60 % 60, date.secondOfDay % 60]
        return [digits(date.year, 4), digits(date.month, 2), digits(date.day, 2)].joined(separator: "-")
            + "T\(time.map { digits($0, 2) }.joined(separator: ":")).000Z"
    }

    // MARK: Endpoints of both kinds

    /// Everything that web hooks may go to.
    var endpoints: [JSONObject] { all(.webhookEndpoint) + all(.eventDestination) }

    /// A web-hook endpoint or an event destination.
    func endpoint(_ id: String) -> JSONObject? { find(.webhookEndpoint, id) ?? find(.eventDestination, id) }
}
