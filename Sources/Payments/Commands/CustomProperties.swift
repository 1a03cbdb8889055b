import Expressions

/// `customProps`: further parameters of Stripe's Payment Intent, without those that are decided elsewhere.
enum CustomProperties {
    /// What a flow must not set, and why.
    private static let reserved: [String: String] = [
        "amount": "`amount` is the command's own parameter",
        "currency": "`currency` is the command's own parameter",
        "confirm": "the customer confirms on the page",
        "confirmation_token": "the customer confirms on the page",
        "error_on_requires_action": "it goes with `confirm`",
        "off_session": "it goes with `confirm`",
        "return_url": "it goes with `confirm`",
        "use_stripe_sdk": "it goes with `confirm`",
        "mandate_data": "it goes with `confirm`",
        "radar_options": "it goes with `confirm`",
        "payment_method_data": "card data must not pass through a flow: it would stand in the journal",
        "client_secret": "Stripe gives it",
        "idempotency_key": "the runtime gives each request its key",
        "expand": "the answer's shape is fixed",
    ]

    /// The request's parameters: the caller's, then what is fixed.
    /// - Throws: `Refusal` that names the property.
    static func parameters(_ custom: Value?, money: Money, metadata own: [(String, String)]) throws(Refusal) -> ValueMap
    {
        var parameters: ValueMap = ["amount": .int(money.minorUnits), "currency": .string(money.currency)]
        var metadata = ValueMap()
        switch custom {
        case nil, .null: break
        case .map(let properties):
            for (key, value) in properties {
                guard let name = key.stringValue, isName(name) else {
                    throw refusal("a property's name is 1 to 64 lower-case letters, digits or _", "customProps")
                }
                if let why = reserved[name] { throw refusal("'\(name)' cannot be set here: \(why)", name) }
                if name == "metadata" {
                    metadata = try checkedMetadata(value)
                } else {
                    parameters[name] = value
                }
            }
        default:
            throw refusal("`customProps` is an object of properties of Stripe's Payment Intent", "customProps")
        }
        for (name, value) in own { metadata[name] = .string(value) }
        guard metadata.count <= 50 else { throw refusal("Stripe keeps at most 50 keys of metadata", "metadata") }
        if !metadata.isEmpty { parameters["metadata"] = .map(metadata) }
        return parameters
    }

    /// Stripe's bounds: keys of up to 40 characters without brackets, values of up to 500.
    static func checkedMetadata(_ value: Value) throws(Refusal) -> ValueMap {
        guard let metadata = value.mapValue else { throw refusal("`metadata` is an object of texts", "metadata") }
        var checked = ValueMap()
        for (key, value) in metadata {
            guard let name = key.stringValue, (1...40).contains(name.count), !name.contains("["), !name.contains("]")
            else {
                throw refusal("a key of metadata has 1 to 40 characters and no brackets", "metadata")
            }
            guard !name.hasPrefix("runnel_") else {
                throw refusal("keys of metadata that start with runnel_ are the runtime's", "metadata")
            }
            switch value {
            case .string(let text) where text.count <= 500: checked[name] = value
            case .int(let number): checked[name] = .string(String(number))
            case .bool(let flag): checked[name] = .string(flag ? "true" : "false")
            default:
                throw refusal(
                    "metadata '\(name)' is a text of at most 500 characters, a whole number or a bool",
                    "metadata"
                )
            }
        }
        return checked
    }

    private static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    private static func refusal(_ message: String, _ parameter: String) -> Refusal {
        Refusal(code: "custom_property_refused", message: message, param: parameter)
    }
}
