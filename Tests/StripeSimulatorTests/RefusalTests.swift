import Testing

@testable import StripeSimulator

/// What Stripe takes and what it refuses, parameter by parameter.
@Suite("Refusals") struct RefusalTests {
    @Test("booleans are taken as Python writes them", arguments: [("True", true), ("False", false)])
    func booleans(_ text: String, _ value: Bool) {
        var desk = Desk()
        #expect(desk.post("/v1/products", "name=Mug&active=\(text)").bool("active") == value)
        #expect(desk.last.status == 200)
        // `off_session` is a boolean or a word: off-session, this card is declined.
        desk.pay(900, "pm_card_authenticationRequired", more: "&off_session=\(text)")
        #expect(desk.last.status == (value ? 402 : 200))
        desk.post("/v1/products", "name=Mug&active=yes")
        #expect(desk.last.status == 400)
    }
}
