// `trigger`: makes an event happen by the calls that lead to it, as stripe-cli's command of that name does.
extension SimulatorState {
    /// One call of a scenario.
    ///
    /// `{name}` in a path or a form stands for the id that an earlier step answered.
    private struct Step {
        let name: String
        let method: String
        let path: String
        let form: String

        init(_ name: String, _ path: String, _ form: String = "", method: String = "POST") {
            self.name = name
            self.method = method
            self.path = path
            self.form = form
        }
    }

    private static let card = "payment_method_types[]=card"

    private static let customerWithCard: [Step] = [
        Step("customer", "/v1/customers", "email=trigger@example.com&description=(created by trigger)"),
        Step("method", "/v1/payment_methods/pm_card_visa/attach", "customer={customer}"),
        Step("customer", "/v1/customers/{customer}", "invoice_settings[default_payment_method]={method}"),
    ]
    private static let subscribed: [Step] =
        customerWithCard + [
            Step(
                "price",
                "/v1/prices",
                "currency=usd&unit_amount=1500&recurring[interval]=month&product_data[name]=Plan"
            ),
            Step("subscription", "/v1/subscriptions", "customer={customer}&items[0][price]={price}"),
        ]
    private static let paid: [Step] = [
        Step(
            "intent",
            "/v1/payment_intents",
            "amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa&\(card)"
        )
    ]
    private static let held: [Step] = [
        Step(
            "intent",
            "/v1/payment_intents",
            "amount=2000&currency=usd&confirm=true&payment_method=pm_card_visa&capture_method=manual&\(card)"
        )
    ]
    private static let declined: [Step] = [
        Step("intent", "/v1/payment_intents", "amount=2000&currency=usd&\(card)"),
        Step("failed", "/v1/payment_intents/{intent}/confirm", "payment_method=pm_card_chargeDeclined"),
    ]

    private static let scenarios: [String: [Step]] = [
        "charge.captured": held + [Step("done", "/v1/payment_intents/{intent}/capture")],
        "charge.dispute.created": [
            Step(
                "intent",
                "/v1/payment_intents",
                "amount=2000&currency=usd&confirm=true&payment_method=pm_card_createDispute&\(card)"
            )
        ],
        "charge.failed": declined, "charge.refunded": paid + [Step("refund", "/v1/refunds", "payment_intent={intent}")],
        "charge.succeeded": paid,
        "checkout.session.expired": [
            Step("session", "/v1/checkout/sessions", "mode=setup&currency=usd&success_url=https://example.com"),
            Step("done", "/v1/checkout/sessions/{session}/expire"),
        ],
        "customer.created": [Step("customer", "/v1/customers", "description=(created by trigger)")],
        "customer.deleted": [
            Step("customer", "/v1/customers"), Step("done", "/v1/customers/{customer}", method: "DELETE"),
        ],
        "customer.subscription.created": subscribed,
        "customer.subscription.deleted": subscribed + [
            Step("done", "/v1/subscriptions/{subscription}", method: "DELETE")
        ],
        "customer.subscription.updated": subscribed + [
            Step("done", "/v1/subscriptions/{subscription}", "metadata[foo]=bar")
        ],
        "customer.updated": [
            Step("customer", "/v1/customers"), Step("done", "/v1/customers/{customer}", "metadata[foo]=bar"),
        ],
        "invoice.paid": subscribed, "invoice.payment_succeeded": subscribed,
        "payment_intent.amount_capturable_updated": held,
        "payment_intent.canceled": [
            Step("intent", "/v1/payment_intents", "amount=2000&currency=usd&\(card)"),
            Step("done", "/v1/payment_intents/{intent}/cancel"),
        ],
        "payment_intent.created": [Step("intent", "/v1/payment_intents", "amount=2000&currency=usd&\(card)")],
        "payment_intent.payment_failed": declined,
        "payment_intent.requires_action": [
            Step(
                "intent",
                "/v1/payment_intents",
                "amount=2000&currency=usd&confirm=true&payment_method=pm_card_threeDSecure2Required&\(card)"
            )
        ],
        "payment_intent.succeeded": paid, "payment_method.attached": customerWithCard,
        "price.created": [
            Step("price", "/v1/prices", "currency=usd&unit_amount=1500&product_data[name]=Thing")
        ],
        "product.created": [Step("product", "/v1/products", "name=Thing")],
        "refund.created": paid + [Step("refund", "/v1/refunds", "payment_intent={intent}")],
        "setup_intent.created": [Step("intent", "/v1/setup_intents")],
        "setup_intent.succeeded": [
            Step("intent", "/v1/setup_intents", "confirm=true&payment_method=pm_card_visa&\(card)")
        ],
    ]

    /// Runs the scenario of an event, with further or other parameters for a step.
    ///
    /// `event` names it; `override` and `add` hold `step:name=value` pairs, `remove` holds `step:name`, as the switches
    /// of `stripe trigger` do. Answers the ids the steps made.
    mutating func trigger(_ parameters: JSONObject) throws(ControlError) -> JSONObject {
        guard let steps = parameters.string("event").flatMap({ Self.scenarios[$0] }) else {
            let known = Self.scenarios.keys.sorted().joined(separator: ", ")
            throw ControlError(status: 400, message: "`event` is one of: \(known).")
        }
        var ids: [String: String] = [:]
        var made: [JSONValue] = []
        for step in steps {
            var form = step.form.split(separator: "&").map(String.init)
            for change in Self.texts(parameters["remove"]) where change.hasPrefix(step.name + ":") {
                let name = change.dropFirst(step.name.count + 1)
                form.removeAll { $0.hasPrefix(name + "=") || $0.hasPrefix(name + "[") }
            }
            for change in Self.texts(parameters["override"]) + Self.texts(parameters["add"])
            where change.hasPrefix(step.name + ":") {
                let pair = String(change.dropFirst(step.name.count + 1))
                let name = pair.prefix { $0 != "=" }
                form.removeAll { $0.hasPrefix(name + "=") }
                form.append(pair)
            }
            var (path, text) = (step.path, form.joined(separator: "&"))
            for (name, id) in ids {
                path = path.split(separator: "{\(name)}", omittingEmptySubsequences: false).joined(separator: id)
                text = text.split(separator: "{\(name)}", omittingEmptySubsequences: false).joined(separator: id)
            }
            var request = SimulatorRequest(method: step.method, path: path)
            request.headers = [("authorization", "Bearer sk_test_trigger")]
            if step.method == "POST" { request.body = Array(text.utf8) }
            let answer = carryOut(request, delay: 0)
            let object = (try? JSONParser.value(of: answer.body))?.object ?? JSONObject()  // it printed this itself
            guard answer.status == 200 || answer.status == 402 else {
                throw ControlError(
                    status: 400,
                    message: "\(step.name): \(object.object("error")?.string("message") ?? "")"
                )
            }
            if !object.id.isEmpty {
                ids[step.name] = object.id
                made.append(["id": .string(object.id), "step": .string(step.name)])
            }
        }
        return ["made": .array(made)]
    }

    private static func texts(_ value: JSONValue?) -> [String] {
        switch value {
        case .some(.string(let text)): [text]
        case .some(.array(let elements)): elements.compactMap(\.string)
        default: []
        }
    }
}
