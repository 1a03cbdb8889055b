extension Ledger {
    static let eventRoutes: [Route] = [
        .list("events", "created:r delivery_success:b type:s types:a") { ledger, call throws(StripeError) in
            let type = call.string("type")
            let types = call.strings("types")
            if type != nil, types != nil {
                throw StripeError("You may only specify one of these parameters: type, types.")
            }
            let delivered = call.bool("delivery_success")
            let oldest = ledger.now.seconds - 30 * 24 * 3_600
            return try ledger.page(.event, call) { event in
                let name = event.string("type") ?? ""
                guard (event.int("created") ?? 0) >= oldest else { return false }
                if let delivered, delivered != (event.int("pending_webhooks") == 0) { return false }
                if let types { return types.contains { Self.matches(name, $0) } }
                return type.map { Self.matches(name, $0) } ?? true
            }
        },
        .get("events/:id") { ledger, call throws(StripeError) in
            let event = try ledger.require(.event, call.id)
            guard (event.int("created") ?? 0) >= ledger.now.seconds - 30 * 24 * 3_600 else {
                throw StripeError.missingObject("event", call.id)
            }
            return event
        },
    ]

    /// `charge.*` stands for all events of charges.
    private static func matches(_ type: String, _ pattern: String) -> Bool {
        pattern.hasSuffix("*") ? type.hasPrefix(pattern.dropLast()) : type == pattern
    }
}
