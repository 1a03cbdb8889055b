extension Ledger {
    /// Stripe's own bound.
    private static let maximumEndpoints = 16

    static let webhookEndpointRoutes: [Route] = [
        .post(
            "webhook_endpoints",
            "enabled_events:a! url:s! api_version:s connect:b description:s? metadata:m?"
        ) { ledger, call throws(StripeError) in try ledger.createEndpoint(call) },
        .list("webhook_endpoints", "") { ledger, call throws(StripeError) in try ledger.page(.webhookEndpoint, call) },
        .get("webhook_endpoints/:id") { ledger, call throws(StripeError) in
            try ledger.require(.webhookEndpoint, call.id)
        },
        .post(
            "webhook_endpoints/:id",
            "description:s? disabled:b enabled_events:a metadata:m? url:s"
        ) { ledger, call throws(StripeError) in
            let endpoint = try ledger.require(.webhookEndpoint, call.id)
            if let url = call.string("url") { try Self.checkURL(url) }
            if let events = call.strings("enabled_events") { try Self.checkEvents(events) }
            return ledger.change(.webhookEndpoint, endpoint.id, emitting: nil) { endpoint in
                call.copy(["description", "url", "enabled_events"], to: &endpoint)
                if let disabled = call.bool("disabled") { endpoint["status"] = disabled ? "disabled" : "enabled" }
                endpoint["metadata"] = .object(call.updatedMetadata(endpoint.object("metadata")))
            }
        },
        .delete("webhook_endpoints/:id") { ledger, call throws(StripeError) in
            let endpoint = try ledger.require(.webhookEndpoint, call.id)
            ledger.objects[.webhookEndpoint]?[endpoint.id] = nil
            return ["id": .string(endpoint.id), "object": "webhook_endpoint", "deleted": true]
        },
    ]

    private mutating func createEndpoint(_ call: Call) throws(StripeError) -> JSONObject {
        let url = call.string("url") ?? ""
        try Self.checkURL(url)
        try Self.checkEvents(call.strings("enabled_events") ?? [])
        if let text = call.string("api_version"), !(APIVersion(text).map(APIVersions.isKnown) ?? false) {
            throw StripeError.invalid("api_version", "Invalid API version: \(text.prefix(60))")
        }
        guard (objects[.webhookEndpoint]?.count ?? 0) < Self.maximumEndpoints else {
            throw StripeError("You have reached the maximum of \(Self.maximumEndpoints) webhook endpoints.")
        }
        var endpoint = startEndpoint(url, "whsec_" + generator.characters(32), call.strings("enabled_events") ?? [])
        endpoint["description"] = call.value("description")
        endpoint["api_version"] = call.value("api_version")
        endpoint["metadata"] = .object(call.updatedMetadata(nil))
        insert(.webhookEndpoint, endpoint)
        endpoint["secret"] = endpoint["_secret"]  // told once, in the answer to the creation
        return endpoint
    }

    /// Makes an endpoint with a known secret.
    @discardableResult
    mutating func startEndpoint(_ url: String, _ secret: String, _ events: [String]) -> JSONObject {
        let endpoint: JSONObject = [
            "id": .string(newID(.webhookEndpoint)), "object": "webhook_endpoint", "api_version": nil,
            "application": nil, "created": .int(now.seconds), "description": nil,
            "enabled_events": .strings(events.isEmpty ? ["*"] : events), "livemode": .bool(livemode), "metadata": [:],
            "status": "enabled", "url": .string(url), "_secret": .string(secret),
        ]
        insert(.webhookEndpoint, endpoint)
        return endpoint
    }

    static func checkURL(_ url: String) throws(StripeError) {
        guard url.hasPrefix("http://") || url.hasPrefix("https://"), url.utf8.count <= 2_048,
            !url.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F })
        else { throw StripeError.invalid("url", "Invalid URL: \(url.prefix(100))", code: "url_invalid") }
    }

    /// Checks that there are such events; thin ones have their version's number before the name.
    static func checkEvents(_ events: [String], areThin: Bool = false) throws(StripeError) {
        guard !events.isEmpty else { throw StripeError.missingParameter("enabled_events") }
        for (index, event) in events.enumerated() where event != "*" {
            guard areThin ? isThinType(event) : EventTypes.isKnown(event) else {
                throw StripeError.invalid(
                    "enabled_events[\(index)]",
                    "Invalid enabled_events[\(index)]: must be a valid event type"
                )
            }
        }
    }

    private static func isThinType(_ event: String) -> Bool {
        if event.hasPrefix("v1.") { return EventTypes.isKnown(String(event.dropFirst(3))) }
        // Events of /v2 itself do not happen here; no list of them is at hand.
        let letters = event.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || "._".utf8.contains(byte)
        }
        return event.hasPrefix("v2.") && letters
    }

    /// Gives an endpoint a new secret; the old one counts for so long still, and both sign (facts §7).
    mutating func rollSecret(_ id: String, overlapSeconds: Int64) -> String? {
        guard let endpoint = find(.webhookEndpoint, id) else { return nil }
        let secret = "whsec_" + generator.characters(32)
        let expires = now.adding(seconds: overlapSeconds).seconds
        update(.webhookEndpoint, id) { changed in
            changed["_old_secret"] = endpoint["_secret"]
            changed["_old_secret_expires"] = .int(expires)
            changed["_secret"] = .string(secret)
        }
        return secret
    }
}
