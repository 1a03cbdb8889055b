import Crypto
import Expressions
package import FlowEngine
import FlowLanguage

/// Who holds a client secret may follow what it pays: a payment, or the recurring payment that it begins.
///
/// The secret itself is not kept: its hash is enough to recognise it.
package enum PaymentFollowers {
    /// The one row that a client secret opens.
    package struct Followed: Sendable, Hashable {
        package let table: String
        package let id: Int64
    }

    /// The row of the payment or recurring payment whose client secret this is.
    package static func followed(
        clientSecret: String,
        mode: Mode,
        in reader: any StoreReader
    ) throws(StoreError) -> Followed? {
        guard clientSecret.utf8.count <= 500, clientSecret.contains("_secret_") else { return nil }
        for table in [PaymentsTables.payments.name, PaymentsTables.recurringPayments.name] {
            let query = RecordQuery(
                table: table,
                where: [
                    ResolvedCondition("secretHash", equals: .string(hash(clientSecret))),
                    ResolvedCondition("mode", equals: .string(mode.rawValue)),
                ],
                limit: 1
            )
            if let id = try reader.find(query).first?["id"]?.intValue { return Followed(table: table, id: id) }
        }
        return nil
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
    /// Changes no row for a change of something else, such as a refund, nor for one that a later change has overtaken: its
    /// callback may be done again after the later one's.
    func note(callback claim: CallbackClaim, mode: Mode) throws(StoreError) {
        let change = RecordUpdate(
            table: PaymentsTables.payments.name,
            where: [
                ResolvedCondition("intent", equals: .string(claim.object)),
                ResolvedCondition("mode", equals: .string(mode.rawValue)),
                ResolvedCondition("status", equals: .string(claim.transition)),
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

extension RecurringLedger {
    /// Tells who follows a recurring payment that the app has dealt with its first invoice.
    func noteFirstCharge(of subscription: String, mode: Mode) throws(StoreError) {
        let change = RecordUpdate(
            table: PaymentsTables.recurringPayments.name,
            where: [
                ResolvedCondition("subscription", equals: .string(subscription)),
                ResolvedCondition("mode", equals: .string(mode.rawValue)),
            ],
            set: [ResolvedAssignment("callback", .string(RecurringCharge.paid.rawValue))]
        )
        _ = try transaction.update(change)
    }

    /// Keeps what recognises the client secret that a page is about to get.
    func note(clientSecret: String, of recurring: Int64) throws(StoreError) {
        let change = RecordUpdate(
            table: PaymentsTables.recurringPayments.name,
            where: [ResolvedCondition("id", equals: .int(recurring))],
            set: [ResolvedAssignment("secretHash", .string(PaymentFollowers.hash(clientSecret)))]
        )
        _ = try transaction.update(change)
    }
}
