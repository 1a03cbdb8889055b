import Expressions
import FlowEngine
import FlowLanguage

/// What a delivery to a web hook is told from others by: two deliveries of one event start one run.
struct HookEvent: Sendable, Hashable {
    /// Whose id it is: the ids of two callers, or of two accounts of Stripe, have nothing to do with each other.
    let account: String
    /// Nil: each delivery is an event of its own.
    let id: String?

    /// Finds the id that the flow names, else the one that the way of signing brings with it.
    ///
    /// - Throws: `Problem` 400 when the delivery lacks the id that the flow names, and for an event of Stripe that is of
    ///   the other mode than the server.
    init(
        of delivery: HookDelivery,
        bytes: [UInt8],
        _ trigger: WebhookTrigger,
        caller: Caller,
        mode: Mode,
        reader: RequestReader
    ) throws {
        let named = try trigger.eventID.map(delivery.eventID(by:))
        switch trigger.authentication {
        case .none, .hmac: (account, id) = ("", named)
        case .bearer: (account, id) = (caller.id ?? "", named)
        case .standardWebhooks: (account, id) = ("", named ?? delivery.head.headers["webhook-id"])
        case .stripe:
            // What the header calls the body is not signed.
            let event = try reader.json(bytes)
            if let isLive = event["livemode"]?.boolValue, isLive != (mode == .live) {
                throw Problem(400, "event_of_other_mode", "The event is of the other mode.")
            }
            let sent = event["id"]?.stringValue.flatMap { (1...255).contains($0.utf8.count) ? $0 : nil }
            (account, id) = named == nil ? (event["account"]?.stringValue ?? "", sent) : ("", named)
        }
    }
}
