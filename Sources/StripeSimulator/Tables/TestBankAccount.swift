/// A bank account of Stripe's test mode, and what a SEPA debit of it comes to.
///
/// Numbers and outcomes: Stripe's page on accepting SEPA Direct Debit payments, section "Test your integration". An
/// account that is not among them pays.
struct TestBankAccount: Sendable, Equatable {
    enum Outcome: Sendable {
        case pays
        /// The bank says no: the intent asks for another payment method.
        case refuses
        /// Pays, and the customer disputes it at once.
        case disputes
    }

    let outcome: Outcome
    /// How long a debit is under way.
    let seconds: Int64

    init(iban: String) {
        switch iban.filter({ $0 != " " }).uppercased() {
        case "DE08370400440532013003": (outcome, seconds) = (.pays, 180)
        case "DE62370400440532013001": (outcome, seconds) = (.refuses, 60)
        case "DE78370400440532013004": (outcome, seconds) = (.refuses, 180)
        case "DE35370400440532013002": (outcome, seconds) = (.disputes, 60)
        default: (outcome, seconds) = (.pays, 60)
        }
    }

    /// A card that behaves as the account does once it has paid.
    var card: TestCard {
        let plain = TestCard(names: [], number: "4242424242424242")
        return outcome == .disputes ? TestCard.named("pm_card_createDispute") ?? plain : plain
    }

    static let withdrawal = TestCard.Decline(
        code: "payment_intent_payment_attempt_failed",
        message: "The debit was withdrawn, since its PaymentIntent was canceled."
    )
    static let refusal = TestCard.Decline(
        code: "payment_intent_payment_attempt_failed",
        message: "The payment failed: the customer's bank did not accept the debit."
    )
}
