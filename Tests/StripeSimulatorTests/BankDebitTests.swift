import Testing

@testable import StripeSimulator

@Suite("Debits of a bank account")
struct BankDebitTests {
    private static func pay(_ desk: inout Desk, _ iban: String) -> JSONObject {
        desk.post(
            "/v1/payment_intents",
            "amount=1000&currency=eur&confirm=true&payment_method_types[0]=sepa_debit&payment_method_data[type]=sepa_debit"
                + "&payment_method_data[sepa_debit][iban]=\(iban)&payment_method_data[billing_details][name]=Ann"
                + "&payment_method_data[billing_details][email]=ann@example.com"
        )
    }

    @Test(
        "the charge is pending until the bank answers: paid, refused, or paid and disputed",
        arguments: [
            ("DE89370400440532013000", 60, "succeeded", "succeeded"),
            ("DE08370400440532013003", 180, "succeeded", "succeeded"),
            ("DE62370400440532013001", 60, "requires_payment_method", "failed"),
            ("DE78370400440532013004", 180, "requires_payment_method", "failed"),
            ("DE35370400440532013002", 60, "succeeded", "succeeded"),
        ] as [(String, Int64, String, String)]
    )
    func outcomes(iban: String, seconds: Int64, intentStatus: String, chargeStatus: String) throws {
        var desk = Desk()
        let begun = Self.pay(&desk, iban)
        #expect(begun.status == "processing")
        let charge = try #require(begun.string("latest_charge"))
        #expect(desk.get("/v1/charges/\(charge)").status == "pending")
        desk.advance(seconds: seconds - 1)
        #expect(desk.get("/v1/payment_intents/\(begun.id)").status == "processing")
        desk.advance(seconds: 1)
        #expect(desk.get("/v1/payment_intents/\(begun.id)").status == intentStatus)
        let ended = desk.get("/v1/charges/\(charge)")
        #expect(ended.status == chargeStatus)
        #expect(ended.value(at: "payment_method_details", "type")?.string == "sepa_debit")
        #expect(ended.value(at: "payment_method_details", "sepa_debit", "last4")?.string == String(iban.suffix(4)))
        desk.advance(seconds: 10)
        #expect(desk.get("/v1/charges", "payment_intent=\(begun.id)").data().count == 1)
        #expect(desk.events.contains("charge.pending") && desk.events.contains("charge.\(chargeStatus)"))
        #expect(desk.events.contains("charge.dispute.created") == iban.hasSuffix("3002"))
    }

    @Test("an intent that is cancelled meanwhile takes no money")
    func cancelled() throws {
        var desk = Desk()
        let begun = Self.pay(&desk, "DE89370400440532013000")
        #expect(desk.post("/v1/payment_intents/\(begun.id)/cancel").status == "canceled")
        desk.advance(seconds: 60)
        #expect(desk.get("/v1/payment_intents/\(begun.id)").status == "canceled")
        #expect(desk.get("/v1/charges/\(begun.string("latest_charge") ?? "")").status == "failed")
        #expect(!desk.events.contains("charge.succeeded"))
    }
}
