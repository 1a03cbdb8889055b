import Crypto
import Expressions
package import FlowEngine
import FlowLanguage

/// Who holds a payment's client secret may follow the payment, as Stripe shows them its intent.
///
/// The secret itself is not kept: its hash is enough to recognise it.
package enum PaymentFollowers {
    /// The id of the payment whose client secret this is.
    package static func payment(
        clientSecret: String,
        mode: Mode,
        in reader: any StoreReader
    ) throws(StoreError) -> Int64? {
        guard clientSecret.utf8.count <= 500, clientSecret.contains("_secret_") else { return nil }
        let query = RecordQuery(
            table: PaymentsTables.payments.name,
            where: [
                ResolvedCondition("secretHash", equals: .string(hash(clientSecret))),
                ResolvedCondition("mode", equals: .string(mode.rawValue)),
            ],
            limit: 1
        )
        return try reader.find(query).first?["id"]?.intValue
    }

    static func hash(_ secret: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in SHA256.hash(data: Array(secret.utf8)) { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}

extension PaymentLedger {
    /// Tells who follows the payment that the app has dealt with a change of it.
    ///
    /// Changes no row for a change of something else, such as a refund.
    func note(callback claim: CallbackClaim, mode: Mode) throws(StoreError) {
        let change = RecordUpdate(
            table: PaymentsTables.payments.name,
            where: [
                ResolvedCondition("intent", equals: .string(claim.object)),
                ResolvedCondition("mode", equals: .string(mode.rawValue)),
            ],
            set: [ResolvedAssignment("callback", .string(claim.transition))]
        )
        _ = try transaction.update(change)
    }

    /// Keeps what recognises the client secret that a page is about to get.
    func note(clientSecret: String, of payment: Int64) throws(StoreError) {
        let change = RecordUpdate(
            table: PaymentsTables.payments.name,
            where: [ResolvedCondition("id", equals: .int(payment))],
            set: [ResolvedAssignment("secretHash", .string(PaymentFollowers.hash(clientSecret)))]
        )
        _ = try transaction.update(change)
    }
}
