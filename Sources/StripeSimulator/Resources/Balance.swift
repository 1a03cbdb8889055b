extension Ledger {
    static let balanceRoutes: [Route] = [
        .get("balance") { ledger, _ throws(StripeError) in ledger.balance() },
        .list(
            "balance_transactions",
            "created:r currency:s payout:s source:s type:s"
        ) { ledger, call throws(StripeError) in
            let payout = try call.string("payout").map { id throws(StripeError) in
                try ledger.require(.payout, id, param: "payout").id
            }
            return try ledger.page(.balanceTransaction, call, filters: ["currency", "source", "type"]) { transaction in
                // No payout of the simulator is an automatic one, which would have paid out other transactions.
                payout == nil || transaction.string("source") == payout
            }
        },
        .get("balance_transactions/:id") { ledger, call throws(StripeError) in
            try ledger.require(.balanceTransaction, call.id)
        },
        .get("balance/history/:id") { ledger, call throws(StripeError) in
            try ledger.require(.balanceTransaction, call.id)
        },
    ]

    /// Books a movement of money.
    ///
    /// Answers the id of the balance transaction.
    mutating func book(
        type: String,
        amount: Int64,
        currency: String,
        fee: Int64,
        source: String,
        description: JSONValue,
        isAvailable: Bool = false
    ) -> String {
        let id = newID(.balanceTransaction, beside: source)
        let day: Int64 = 24 * 3_600
        let available = isAvailable ? now.seconds : (now.seconds / day + 2) * day
        let details: JSONValue =
            fee == 0
            ? []
            : [
                [
                    "amount": .int(fee), "application": nil, "currency": .string(currency),
                    "description": "Stripe processing fees", "type": "stripe_fee",
                ]
            ]
        let category = ["adjustment": "dispute", "refund_failure": "refund_failure"][type] ?? type
        insert(
            .balanceTransaction,
            [
                "id": .string(id), "object": "balance_transaction", "amount": .int(amount),
                "available_on": .int(available), "balance_type": "payments", "created": .int(now.seconds),
                "currency": .string(currency), "description": description, "exchange_rate": nil, "fee": .int(fee),
                "fee_details": details, "net": .int(amount - fee), "reporting_category": .string(category),
                "source": .string(source), "status": "pending", "type": .string(type),
            ]
        )
        return id
    }

    func balance() -> JSONObject {
        var available: [String: Int64] = [:]
        var pending: [String: Int64] = [:]
        for transaction in all(.balanceTransaction) {
            let currency = transaction.string("currency") ?? "usd"
            let net = transaction.int("net") ?? 0
            let isAvailable = (transaction.int("available_on") ?? 0) <= now.seconds
            available[currency, default: 0] += isAvailable ? net : 0
            pending[currency, default: 0] += isAvailable ? 0 : net
        }
        if available.isEmpty {
            available["usd"] = 0
            pending["usd"] = 0
        }
        let entries = { (sums: [String: Int64]) -> JSONValue in
            .array(
                sums.sorted { $0.key < $1.key }.map { currency, sum in
                    ["amount": .int(sum), "currency": .string(currency), "source_types": ["card": .int(sum)]]
                }
            )
        }
        return [
            "object": "balance", "available": entries(available), "livemode": .bool(livemode),
            "pending": entries(pending),
        ]
    }
}
