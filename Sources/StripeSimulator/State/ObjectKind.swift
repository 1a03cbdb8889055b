/// The kinds of objects a ledger keeps.
enum ObjectKind: String, Sendable, CaseIterable {
    case paymentIntent = "payment_intent"
    case charge
    case refund
    case customer
    case paymentMethod = "payment_method"
    case balanceTransaction = "balance_transaction"
    case event
    case webhookEndpoint = "webhook_endpoint"
    case eventDestination = "v2.core.event_destination"
    case setupIntent = "setup_intent"
    case setupAttempt = "setup_attempt"
    case product
    case price
    case coupon
    case promotionCode = "promotion_code"
    case discount
    case checkoutSession = "checkout.session"
    case paymentLink = "payment_link"
    case subscription
    case subscriptionItem = "subscription_item"
    case invoice
    case invoiceItem = "invoiceitem"
    case invoicePayment = "invoice_payment"
    case lineItem = "line_item"
    case dispute
    case testClock = "test_helpers.test_clock"
    case token
    case payout
    case creditNote = "credit_note"
    case card
    case customerBalanceTransaction = "customer_balance_transaction"
    case taxID = "tax_id"

    /// Prefix and total length of an id (facts §3, recorded).
    var identifier: (prefix: String, length: Int) {
        switch self {
        case .paymentIntent: ("pi_3", 27)
        case .charge: ("ch_3", 27)
        case .refund: ("re_3", 27)
        case .customer: ("cus_", 18)
        case .paymentMethod: ("pm_1", 27)
        case .balanceTransaction: ("txn_3", 28)
        case .event: ("evt_1", 28)
        case .webhookEndpoint: ("we_1", 27)
        case .eventDestination: ("ed_test_6", 40)
        case .setupIntent: ("seti_1", 29)
        case .setupAttempt: ("setatt_1", 31)
        case .product: ("prod_", 19)
        case .price: ("price_1", 30)
        case .coupon: ("", 8)
        case .promotionCode: ("promo_1", 30)
        case .discount: ("di_1", 27)
        case .checkoutSession: ("cs_", 66)
        case .paymentLink: ("plink_1", 30)
        case .subscription: ("sub_1", 28)
        case .subscriptionItem: ("si_", 17)
        case .invoice: ("in_1", 27)
        case .invoiceItem: ("ii_1", 27)
        case .invoicePayment: ("inpay_1", 30)
        case .lineItem: ("il_1", 27)
        case .dispute: ("du_1", 27)
        case .testClock: ("clock_1", 30)
        case .token: ("tok_1", 28)
        case .payout: ("po_1", 27)
        case .creditNote: ("cn_1", 27)
        case .card: ("card_1", 29)
        case .customerBalanceTransaction: ("cbtxn_1", 30)
        case .taxID: ("txi_1", 28)
        }
    }

    /// How an error names the kind, and which parameter it blames when the id came in the path.
    var missing: (name: String, param: String) {
        switch self {
        case .paymentIntent: ("payment_intent", "intent")
        case .setupIntent: ("setupintent", "intent")
        case .paymentMethod: ("PaymentMethod", "payment_method")
        case .webhookEndpoint: ("webhook endpoint", "id")
        case .eventDestination: ("event destination", "id")
        case .balanceTransaction: ("balance transaction", "id")
        case .testClock: ("test clock", "id")
        case .invoiceItem: ("invoiceitem", "id")
        case .checkoutSession: ("checkout.session", "id")
        case .promotionCode: ("promotion code", "id")
        default: (rawValue, "id")
        }
    }

    /// The kind an id belongs to by its prefix.
    static func of(id: String) -> ObjectKind? {
        let prefix = id.prefix { $0 != "_" }
        return switch prefix {
        case "pi": .paymentIntent
        case "ch": .charge
        case "re": .refund
        case "cus": .customer
        case "pm": .paymentMethod
        case "txn": .balanceTransaction
        case "evt": .event
        case "we": .webhookEndpoint
        case "ed": .eventDestination
        case "seti": .setupIntent
        case "setatt": .setupAttempt
        case "prod": .product
        case "price": .price
        case "promo": .promotionCode
        case "di": .discount
        case "cs": .checkoutSession
        case "plink": .paymentLink
        case "sub": .subscription
        case "si": .subscriptionItem
        case "in": .invoice
        case "ii": .invoiceItem
        case "inpay": .invoicePayment
        case "il": .lineItem
        case "du": .dispute
        case "clock": .testClock
        case "tok": .token
        case "po": .payout
        case "cn": .creditNote
        case "card": .card
        case "cbtxn": .customerBalanceTransaction
        case "txi": .taxID
        default: nil
        }
    }
}
