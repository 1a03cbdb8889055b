/// The calls that make an event happen.
///
/// The steps bear the names that stripe-cli's scenarios give them, so that its switches reach the same objects here.
struct TriggerScenario: Sendable {
    /// One call.
    ///
    /// `{name}` in a path or a form stands for the id that an earlier step answered; of a list, its first object's.
    struct Step: Sendable {
        let name: String
        let method: String
        let path: String
        let form: String

        init(_ name: String, _ path: String, _ form: String = "", method: String = "POST") {
            self.name = name
            self.method = method
            self.path = "/v1/" + path
            self.form = form
        }
    }

    let steps: [Step]

    private init(_ steps: [Step]) { self.steps = steps }

    static func named(_ event: String) -> TriggerScenario? { all[event].map(TriggerScenario.init) }

    static var names: [String] { all.keys.sorted() }

    private static let all = payments.merging(catalogue) { $1 }.merging(customers) { $1 }.merging(billing) { $1 }
        .merging(others) { $1 }

    // MARK: What many begin with

    private static func intent(_ method: String, _ more: String = "") -> Step {
        let form = "amount=2000&currency=usd&payment_method_types[]=card&confirm=true&payment_method=\(method)\(more)"
        return Step("payment_intent", "payment_intents", form)
    }

    private static let unpaid = Step(
        "payment_intent",
        "payment_intents",
        "amount=2000&currency=usd&payment_method_types[]=card"
    )
    private static let refunded = [
        intent("pm_card_visa"), Step("refund", "refunds", "payment_intent={payment_intent}"),
    ]
    private static let disputed = [intent("pm_card_createDispute"), Step("disputes_list", "disputes", method: "GET")]
    private static let customer = Step("customer", "customers", "description=(created by trigger)")
    private static let payingCustomer = [
        Step("customer", "customers", "email=trigger@example.com&description=(created by trigger)"),
        Step("payment_method", "payment_methods/pm_card_visa/attach", "customer={customer}"),
        Step(
            "default_payment_method",
            "customers/{customer}",
            "invoice_settings[default_payment_method]={payment_method}"
        ),
    ]
    private static let product = Step("product", "products", "name=Thing&description=(created by trigger)")
    private static let price = Step("price", "prices", "product={product}&currency=usd&unit_amount=1500")
    private static let plan = Step(
        "price",
        "prices",
        "product={product}&currency=usd&unit_amount=1500&recurring[interval]=month"
    )
    private static let subscribed =
        payingCustomer + [
            product, plan, Step("subscription", "subscriptions", "customer={customer}&items[0][price]={price}"),
        ]
    private static let coupon = Step("coupon", "coupons", "percent_off=20&duration=once")
    private static let drafted: [Step] = [
        Step("invoiceitem", "invoiceitems", "customer={customer}&amount=2000&currency=usd"),
        Step("invoice", "invoices", "customer={customer}&pending_invoice_items_behavior=include"),
    ]
    private static let finalized = Step("invoice_finalized", "invoices/{invoice}/finalize")

    // MARK: The scenarios

    private static let payments: [String: [Step]] = [
        "charge.captured": [
            intent("pm_card_visa", "&capture_method=manual"),
            Step("capture", "payment_intents/{payment_intent}/capture"),
        ],
        "charge.dispute.closed": disputed + [Step("disputes_close", "disputes/{disputes_list}/close")],
        "charge.dispute.created": disputed,
        "charge.dispute.updated": disputed + [
            Step("disputes_update", "disputes/{disputes_list}", "metadata[foo]=bar")
        ],
        "charge.failed": [intent("pm_card_chargeDeclined")],
        "charge.refund.updated": refunded + [Step("updated_refund", "refunds/{refund}", "metadata[foo]=bar")],
        "charge.refunded": refunded,
        "charge.succeeded": [intent("pm_card_visa")],
        "payment_intent.amount_capturable_updated": [intent("pm_card_visa", "&capture_method=manual")],
        "payment_intent.canceled": [unpaid, Step("cancel", "payment_intents/{payment_intent}/cancel")],
        "payment_intent.created": [unpaid],
        "payment_intent.payment_failed": [intent("pm_card_chargeDeclined")],
        "payment_intent.requires_action": [intent("pm_card_threeDSecure2Required")],
        "payment_intent.succeeded": [intent("pm_card_visa")],
        "payout.created": [
            intent("pm_card_bypassPending"), Step("payout", "payouts", "amount=1000&currency=usd"),
        ],
        "refund.created": refunded,
        "setup_intent.created": [Step("setup_intent", "setup_intents")],
        "setup_intent.requires_action": [
            Step(
                "setup_intent",
                "setup_intents",
                "confirm=true&payment_method=pm_card_authenticationRequired&payment_method_types[]=card"
            )
        ],
        "setup_intent.succeeded": [
            Step(
                "setup_intent",
                "setup_intents",
                "confirm=true&payment_method=pm_card_visa&payment_method_types[]=card"
            )
        ],
    ]

    private static let catalogue: [String: [Step]] = [
        "coupon.created": [coupon],
        "coupon.deleted": [coupon, Step("coupon_deleted", "coupons/{coupon}", method: "DELETE")],
        "plan.created": [
            product, Step("plan", "plans", "product={product}&amount=1500&currency=usd&interval=month"),
        ],
        "plan.deleted": [
            product, Step("plan", "plans", "product={product}&amount=1500&currency=usd&interval=month"),
            Step("plan_deleted", "plans/{plan}", method: "DELETE"),
        ],
        "price.created": [product, price],
        "price.updated": [product, price, Step("price_updated", "prices/{price}", "metadata[foo]=bar")],
        "product.created": [product],
        "product.deleted": [product, Step("product_deleted", "products/{product}", method: "DELETE")],
        "product.updated": [product, Step("product_updated", "products/{product}", "metadata[foo]=bar")],
        "promotion_code.created": [coupon, promotion],
        "promotion_code.updated": [
            coupon, promotion, Step("promotion_code_updated", "promotion_codes/{promotion_code}", "metadata[foo]=bar"),
        ],
    ]

    private static let promotion = Step(
        "promotion_code",
        "promotion_codes",
        "promotion[type]=coupon&promotion[coupon]={coupon}"
    )

    private static let customers: [String: [Step]] = [
        "customer.created": [customer],
        "customer.deleted": [customer, Step("customer_deleted", "customers/{customer}", method: "DELETE")],
        "customer.subscription.created": subscribed,
        "customer.subscription.deleted": subscribed + [
            Step("subscription_deleted", "subscriptions/{subscription}", method: "DELETE")
        ],
        "customer.subscription.updated": subscribed + [
            Step("subscription_updated", "subscriptions/{subscription}", "metadata[foo]=bar")
        ],
        "customer.updated": [customer, Step("customer_updated", "customers/{customer}", "metadata[foo]=bar")],
        "payment_method.attached": payingCustomer,
        "payment_method.detached": payingCustomer + [
            Step("payment_method_detach", "payment_methods/{payment_method}/detach")
        ],
    ]

    private static let billing: [String: [Step]] = [
        "invoice.created": [customer] + drafted,
        "invoice.deleted": [customer] + drafted + [Step("invoice_delete", "invoices/{invoice}", method: "DELETE")],
        "invoice.finalized": [customer] + drafted + [finalized],
        "invoice.marked_uncollectible": [customer] + drafted + [
            finalized, Step("invoice_mark_uncollectible", "invoices/{invoice}/mark_uncollectible"),
        ],
        "invoice.paid": payingCustomer + drafted + [Step("invoice_pay", "invoices/{invoice}/pay")],
        "invoice.payment_action_required": [
            customer, Step("payment_method", "payment_methods/pm_card_threeDSecure2Required/attach", attaching),
        ] + drafted + [Step("pay_invoice", "invoices/{invoice}/pay", "payment_method={payment_method}")],
        "invoice.payment_failed": [
            customer, Step("payment_method", "payment_methods/pm_card_chargeCustomerFail/attach", attaching),
        ] + drafted + [Step("invoice_pay", "invoices/{invoice}/pay", "payment_method={payment_method}")],
        "invoice.payment_succeeded": payingCustomer + drafted + [Step("invoice_pay", "invoices/{invoice}/pay")],
        "invoice.voided": [customer] + drafted + [finalized, Step("invoice_void", "invoices/{invoice}/void")],
        "invoiceitem.created": [customer, drafted[0]],
    ]

    private static let attaching = "customer={customer}"

    private static let others: [String: [Step]] = [
        "balance.available": [intent("pm_card_bypassPending")],
        "checkout.session.completed": [
            product, price, session, Step("payment_method", "payment_methods", "type=card&card[token]=tok_visa"),
            Step(
                "payment_page_confirm",
                "payment_pages/{checkout_session}/confirm",
                "payment_method={payment_method}"
            ),
        ],
        "checkout.session.expired": [
            product, price, session,
            Step("checkout_session_expired", "checkout/sessions/{checkout_session}/expire"),
        ],
        "payment_link.created": [product, price, link],
        "payment_link.updated": [
            product, price, link, Step("payment_link_updated", "payment_links/{payment_link}", "metadata[foo]=bar"),
        ],
        "test_helpers.test_clock.created": [clock],
        "test_helpers.test_clock.deleted": [
            clock, Step("delete_test_clock", "test_helpers/test_clocks/{test_clock}", method: "DELETE"),
        ],
    ]

    private static let session = Step(
        "checkout_session",
        "checkout/sessions",
        "mode=payment&success_url=https://example.com&line_items[0][price]={price}&line_items[0][quantity]=1"
    )
    private static let link = Step(
        "payment_link",
        "payment_links",
        "line_items[0][price]={price}&line_items[0][quantity]=1"
    )
    private static let clock = Step("test_clock", "test_helpers/test_clocks", "frozen_time=1800000000")
}
