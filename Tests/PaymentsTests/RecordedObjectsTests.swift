import Connections
import Expressions
import Foundation
import Testing

@Suite("Objects that Stripe sent")
struct RecordedObjectsTests {
    static let recording = SharedData.url("stripe/recorded-exchanges.json")

    @Test("each recorded Payment Intent, Refund and Charge is read", .enabled(if: recording != nil))
    func readsAll() throws {
        let url = try #require(Self.recording)
        // Recordings hold placeholders in place of keys and are larger than a request: read with Foundation.
        let file = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
        var found: [String: Int] = [:]
        var unread: [String] = []
        var pending: [Any] = [file]
        while let next = pending.popLast() {
            if let list = next as? [Any] { pending += list }
            guard let object = next as? [String: Any] else { continue }
            pending += object.values
            guard let kind = object["object"] as? String, ["payment_intent", "refund", "charge"].contains(kind),
                object["id"] is String, object["status"] is String
            else { continue }
            let value = try JSON.parse([UInt8](try JSONSerialization.data(withJSONObject: object)))
            found[kind, default: 0] += 1
            let isRead =
                switch kind {
                case "payment_intent": StripePaymentIntent(value) != nil
                case "refund": StripeRefund(value) != nil
                default: StripeCharge(value) != nil
                }
            if !isRead { unread.append("\(kind) \(object["id"] ?? "")") }
        }
        #expect(unread.isEmpty)
        #expect(found.count == 3, "\(found)")
    }
}
