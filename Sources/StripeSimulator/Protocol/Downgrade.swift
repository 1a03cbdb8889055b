extension Ledger {
    /// An answer in the shape of an older version, where facts §2 name the difference.
    func downgraded(_ value: JSONValue, to version: APIVersion, depth: Int) -> JSONValue {
        guard depth < 12 else { return value }
        switch value {
        case .array(let elements): return .array(elements.map { downgraded($0, to: version, depth: depth + 1) })
        case .object(var object):
            for member in object.members where member.key != "metadata" {
                switch member.value {
                case .object, .array: object[member.key] = downgraded(member.value, to: version, depth: depth + 1)
                default: break
                }
            }
            if object.string("object") == "payment_intent" { downgradeIntent(&object, version) }
            return .object(object)
        default: return value
        }
    }

    private func downgradeIntent(_ intent: inout JSONObject, _ version: APIVersion) {
        if version < .basil {
            intent["invoice"] = intent["invoice"] ?? find(.paymentIntent, intent.id)?["_invoice"] ?? .null
        }
        guard version < .latestCharge else { return }
        let charges = objects[.charge]?.newestFirst.filter { $0.string("payment_intent") == intent.id } ?? []
        var list = Self.list(
            charges.prefix(10).map { charge in
                var shown = visible(charge)
                shown["refunds"] = .object(refundList(ofCharge: charge.id))
                return .object(shown)
            },
            hasMore: charges.count > 10,
            url: "/v1/charges?payment_intent=\(intent.id)"
        )
        list["total_count"] = .int(Int64(charges.count))
        intent["charges"] = .object(list)
        intent["latest_charge"] = nil
    }

    /// The secret with which a page pays an invoice.
    func confirmationSecret(of invoice: JSONObject) -> JSONValue {
        guard let id = invoice.string("_payment_intent"), let secret = find(.paymentIntent, id)?.string("client_secret")
        else { return .null }
        return ["client_secret": .string(secret), "type": "payment_intent"]
    }
}
