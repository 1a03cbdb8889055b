/// A card of Stripe's test mode: what it is and what it does when charged.
///
/// Numbers, codes and messages: facts §6 and the list of 52 test payment methods (public Stripe documentation, and
/// recorded traffic of 2026-08 for the declines).
struct TestCard: Sendable, Equatable {
    struct Decline: Sendable, Equatable {
        let code: String
        var declineCode: String?
        let message: String
        var advice: String?
        var networkAdvice: String?
        var networkDecline: String?
        var param: String?

        static let generic = Decline(
            code: "card_declined",
            declineCode: "generic_decline",
            message: "Your card was declined.",
            advice: "try_again_later",
            networkDecline: "01"
        )
        static let insufficientFunds = Decline(
            code: "card_declined",
            declineCode: "insufficient_funds",
            message: "Your card has insufficient funds.",
            advice: "try_again_later",
            networkAdvice: "02",
            networkDecline: "51"
        )
        static let lostCard = Decline(
            code: "card_declined",
            declineCode: "lost_card",
            message: "Your card was declined.",
            advice: "do_not_try_again",
            networkAdvice: "01",
            networkDecline: "41"
        )
        static let stolenCard = Decline(
            code: "card_declined",
            declineCode: "stolen_card",
            message: "Your card was declined.",
            advice: "do_not_try_again",
            networkAdvice: "01",
            networkDecline: "43"
        )
        static let expired = Decline(
            code: "expired_card",
            declineCode: "expired_card",
            message: "Your card has expired.",
            advice: "confirm_card_data",
            networkAdvice: "03",
            networkDecline: "54",
            param: "exp_month"
        )
        static let incorrectCVC = Decline(
            code: "incorrect_cvc",
            declineCode: "incorrect_cvc",
            message: "Your card's security code is incorrect.",
            advice: "confirm_card_data",
            networkAdvice: "03",
            networkDecline: "N7",
            param: "cvc"
        )
        static let processingError = Decline(
            code: "processing_error",
            declineCode: "processing_error",
            message: "An error occurred while processing your card. Try again in a little bit.",
            advice: "try_again_later",
            networkDecline: "06"
        )
        static let velocity = Decline(
            code: "card_declined",
            declineCode: "card_velocity_exceeded",
            message:
                "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
            advice: "try_again_later",
            networkAdvice: "02",
            networkDecline: "61"
        )
        static let blocked = Decline(
            code: "card_declined",
            declineCode: "fraudulent",
            message: "Your card was declined.",
            advice: "do_not_try_again"
        )
        /// Nobody is there to authenticate (facts §3, last row of the table).
        static let unauthenticated = Decline(
            code: "authentication_required",
            declineCode: "authentication_required",
            message: "Your card was declined. This transaction requires authentication."
        )
        static let notATestCard = Decline(
            code: "card_declined",
            declineCode: "test_mode_live_card",
            message: "Your card was declined. Your request was in test mode, but used a non test card. For a list of "
                + "valid test cards, visit: https://stripe.com/docs/testing."
        )
    }

    enum Behaviour: Sendable, Equatable {
        case succeeds
        /// Declined when charged, and already when attached to a customer.
        case declines(Decline)
        /// Attaches; declined when charged.
        case declinesLater(Decline)
        case blocked
        /// Asks for 3-D Secure; then charged, or declined.
        case authenticates(When, then: Decline?)
        /// Charged; then a dispute.
        case disputed(reason: String, isInquiry: Bool, count: Int)
        /// Charged; refunds are pending first.
        case refundPending
        /// Charged; refunds succeed and fail later.
        case refundFails
        /// Charged; the money is available at once.
        case available
    }

    /// 3-D Secure can be asked for where the card does not ask for it by itself.
    var isEnrolled: Bool { names.contains { $0.hasPrefix("threeDSecureOptional") } }

    /// When 3-D Secure is asked for.
    enum When: Sendable, Equatable {
        case always
        /// Every payment, also when nobody is there to authenticate: off-session it is declined.
        case everyPayment
        /// Unless the card was set up for use off-session.
        case unlessSetUp
        /// On-session alone: the card counts as set up already.
        case onSession
    }

    let names: [String]
    let number: String
    var brand = "visa"
    var funding = "credit"
    var country = "US"
    var behaviour = Behaviour.succeeds
    var risk = "normal"
    /// Results of the checks: cvc, line 1, postal code.
    var checks: (cvc: String, line1: String, postal: String) = ("pass", "pass", "pass")

    static func == (left: TestCard, right: TestCard) -> Bool {
        left.number == right.number && left.names == right.names
    }

    var last4: String { String(number.suffix(4)) }

    /// The same number has the same fingerprint, whoever uses it.
    var fingerprint: String {
        var generator = SeededGenerator(seed: number.utf8.reduce(17) { $0 &* 31 &+ UInt64($1) })
        return generator.characters(16)
    }

    static func named(_ alias: String) -> TestCard? {
        let name = alias.hasPrefix("pm_card_") ? alias.dropFirst(8) : alias.hasPrefix("tok_") ? alias.dropFirst(4) : ""
        return name.isEmpty ? nil : byName[String(name)]
    }

    static func numbered(_ number: String) -> TestCard? { byNumber[number] }

    private static let byName: [String: TestCard] = Dictionary(
        all.flatMap { card in card.names.map { ($0, card) } },
        uniquingKeysWith: { first, _ in first }
    )
    private static let byNumber: [String: TestCard] = Dictionary(
        all.map { ($0.number, $0) },
        uniquingKeysWith: { first, _ in first }
    )

    static let all: [TestCard] =
        succeeding + ofCountries + ofNetworks + declining + checked + authenticating + afterwards
}

extension TestCard {
    private static let succeeding: [TestCard] = [
        .init(names: ["visa", "us"], number: "4242424242424242"),
        .init(names: ["visa_debit"], number: "4000056655665556", funding: "debit"),
        .init(names: ["mastercard"], number: "5555555555554444", brand: "mastercard"),
        .init(names: ["mastercard_debit"], number: "5200828282828210", brand: "mastercard", funding: "debit"),
        .init(names: ["mastercard_prepaid"], number: "5105105105105100", brand: "mastercard", funding: "prepaid"),
        .init(names: ["amex", "amex_threeDSecureNotSupported"], number: "378282246310005", brand: "amex"),
        .init(names: ["discover"], number: "6011111111111117", brand: "discover"),
        .init(names: ["diners"], number: "3056930009020004", brand: "diners"),
        .init(names: ["jcb"], number: "3566002020360505", brand: "jcb", country: "JP"),
        .init(names: ["unionpay"], number: "6200000000000005", brand: "unionpay", country: "CN"),
    ]

    private static let declining: [TestCard] = [
        .init(
            names: ["visa_chargeDeclined", "chargeDeclined"],
            number: "4000000000000002",
            behaviour: .declines(.generic)
        ),
        .init(
            names: ["visa_chargeDeclinedInsufficientFunds", "chargeDeclinedInsufficientFunds"],
            number: "4000000000009995",
            behaviour: .declines(.insufficientFunds)
        ),
        .init(
            names: ["visa_chargeDeclinedLostCard", "chargeDeclinedLostCard"],
            number: "4000000000009987",
            behaviour: .declines(.lostCard)
        ),
        .init(
            names: ["visa_chargeDeclinedStolenCard", "chargeDeclinedStolenCard"],
            number: "4000000000009979",
            behaviour: .declines(.stolenCard)
        ),
        .init(
            names: ["chargeDeclinedExpiredCard", "visa_chargeDeclinedExpiredCard"],
            number: "4000000000000069",
            behaviour: .declines(.expired)
        ),
        .init(
            names: ["chargeDeclinedIncorrectCvc", "visa_chargeDeclinedIncorrectCvc"],
            number: "4000000000000127",
            behaviour: .declines(.incorrectCVC),
            checks: ("fail", "pass", "pass")
        ),
        .init(
            names: ["chargeDeclinedProcessingError", "visa_chargeDeclinedProcessingError"],
            number: "4000000000000119",
            behaviour: .declines(.processingError)
        ),
        .init(
            names: ["visa_chargeDeclinedVelocityLimitExceeded", "chargeDeclinedVelocityLimitExceeded"],
            number: "4000000000006975",
            behaviour: .declines(.velocity)
        ),
        .init(
            names: ["chargeCustomerFail", "visa_chargeCustomerFail"],
            number: "4000000000000341",
            behaviour: .declinesLater(.generic)
        ),
        .init(names: ["radarBlock"], number: "4100000000000019", behaviour: .blocked, risk: "highest"),
    ]

    private static let checked: [TestCard] = [
        .init(names: ["riskLevelHighest"], number: "4000000000004954", risk: "highest"),
        .init(names: ["riskLevelElevated"], number: "4000000000009235", risk: "elevated"),
        .init(names: ["cvcCheckFail"], number: "4000000000000101", checks: ("fail", "pass", "pass")),
        .init(names: ["avsZipFail"], number: "4000000000000036", checks: ("pass", "pass", "fail")),
        .init(
            names: ["cvcCheckFailElevatedRisk"],
            number: "4000058400307872",
            risk: "elevated",
            checks: ("fail", "pass", "pass")
        ),
        .init(
            names: ["avsZipFailElevatedRisk"],
            number: "4000058400306072",
            risk: "elevated",
            checks: ("pass", "pass", "fail")
        ),
        .init(names: ["avsLine1Fail"], number: "4000000000000028", checks: ("pass", "fail", "pass")),
        .init(names: ["avsFail"], number: "4000000000000010", checks: ("pass", "fail", "fail")),
        .init(names: ["avsUnchecked"], number: "4000000000000044", checks: ("pass", "unavailable", "unavailable")),
    ]

    private static let authenticating: [TestCard] = [
        .init(
            names: ["authenticationRequiredOnSetup"],
            number: "4000002500003155",
            behaviour: .authenticates(.unlessSetUp, then: nil)
        ),
        .init(
            names: ["authenticationRequired"],
            number: "4000002760003184",
            behaviour: .authenticates(.everyPayment, then: nil)
        ),
        .init(
            names: ["authenticationRequiredSetupForOffSession"],
            number: "4000003800000446",
            behaviour: .authenticates(.onSession, then: nil)
        ),
        .init(
            names: ["authenticationRequiredChargeDeclinedInsufficientFunds"],
            number: "4000008260003178",
            behaviour: .authenticates(.everyPayment, then: .insufficientFunds)
        ),
        .init(
            names: ["threeDSecure2Required"],
            number: "4000000000003220",
            behaviour: .authenticates(.always, then: nil)
        ),
        .init(
            names: ["threeDSecureRequired"],
            number: "4000000000003063",
            behaviour: .authenticates(.always, then: nil)
        ),
        .init(
            names: ["threeDSecureRequiredChargeDeclined"],
            number: "4000008400001629",
            behaviour: .authenticates(.always, then: .generic)
        ),
        .init(
            names: ["threeDSecureRequiredProcessingError"],
            number: "4000008400001280",
            behaviour: .declinesLater(.processingError)
        ),
        .init(names: ["threeDSecureOptional"], number: "4000000000003055"),
        .init(names: ["threeDSecureOptionalProcessingError"], number: "4000000000003097"),
    ]

    private static let afterwards: [TestCard] = [
        .init(
            names: ["createDispute"],
            number: "4000000000000259",
            behaviour: .disputed(reason: "fraudulent", isInquiry: false, count: 1)
        ),
        .init(
            names: ["createDisputeProductNotReceived"],
            number: "4000000000002685",
            behaviour: .disputed(reason: "product_not_received", isInquiry: false, count: 1)
        ),
        .init(
            names: ["createDisputeInquiry"],
            number: "4000000000001976",
            behaviour: .disputed(reason: "fraudulent", isInquiry: true, count: 1)
        ),
        .init(names: ["createIssuerFraudRecord"], number: "4000000000005423"),
        .init(
            names: ["createMultipleDisputes"],
            number: "4000000404000079",
            behaviour: .disputed(reason: "fraudulent", isInquiry: false, count: 2)
        ),
        .init(
            names: ["createCe3EligibleDispute"],
            number: "4000000404000038",
            behaviour: .disputed(reason: "fraudulent", isInquiry: false, count: 1)
        ),
        .init(
            names: ["createComplianceDispute"],
            number: "4000008400000779",
            behaviour: .disputed(reason: "noncompliant", isInquiry: false, count: 1)
        ),
        .init(names: ["pendingRefund"], number: "4000000000007726", behaviour: .refundPending),
        .init(names: ["refundFail"], number: "4000000000005126", behaviour: .refundFails),
        .init(names: ["bypassPending"], number: "4000000000000077", behaviour: .available),
        .init(
            names: ["bypassPendingInternational"],
            number: "4000003720000278",
            country: "IE",
            behaviour: .available
        ),
    ]
}
