// What a price says about money: unit amounts with decimals, tiers, packages.
extension Ledger {
    /// The parameters that describe how a price is reckoned.
    static let pricing = """
        billing_scheme:per_unit|tiered currency_options:* custom_unit_amount:* tiers[]{flat_amount:i
        flat_amount_decimal:s unit_amount:i unit_amount_decimal:s up_to:n!} tiers_mode:graduated|volume
        transform_quantity{divide_by:i! round:down|up!} unit_amount:i unit_amount_decimal:s
        """
    private static let maximumTiers = 100

    // MARK: Reckoning

    /// What so many units cost, rounded once; nil when that is more than any amount.
    static func amount(of price: JSONObject, quantity: Int64) -> Int64? {
        guard quantity >= 0, quantity <= ExactAmount.maximum else { return nil }
        let tiers = (price.array("_tiers") ?? []).compactMap(\.object)
        guard tiers.isEmpty else {
            let exact =
                price.string("tiers_mode") == "volume" ? volume(tiers, quantity) : graduated(tiers, quantity)
            return exact.rounded
        }
        var units = quantity
        if let transform = price.object("transform_quantity"), let size = transform.int("divide_by"), size > 0 {
            units = quantity / size
            if transform.string("round") == "up", quantity % size > 0 { units += 1 }
        }
        return ((exact("unit_amount", of: price) ?? .zero) * units).rounded
    }

    /// Every unit costs what the tier that the quantity reaches says.
    private static func volume(_ tiers: [JSONObject], _ quantity: Int64) -> ExactAmount {
        let reached = tiers.first { tier in tier.int("up_to").map { quantity <= $0 } ?? true }
        return reached.map { cost(of: quantity, in: $0) } ?? .zero
    }

    /// Units cost what the tiers they fall into say; the first tier's flat amount is due in any case.
    private static func graduated(_ tiers: [JSONObject], _ quantity: Int64) -> ExactAmount {
        var sum = ExactAmount.zero
        var below: Int64 = 0
        for (index, tier) in tiers.enumerated() {
            let top = tier.int("up_to") ?? .max
            let units = min(quantity, top) - below
            guard units > 0 || index == 0 else { break }
            sum = sum + cost(of: units, in: tier)
            below = top
        }
        return sum
    }

    private static func cost(of units: Int64, in tier: JSONObject) -> ExactAmount {
        (exact("unit_amount", of: tier) ?? .zero) * units + (exact("flat_amount", of: tier) ?? .zero)
    }

    /// An amount that is there as an integer or, under its name with `_decimal`, as a decimal number.
    static func exact(_ name: String, of object: JSONObject) -> ExactAmount? {
        object.int(name).map { ExactAmount($0) } ?? object.string(name + "_decimal").flatMap { ExactAmount($0) }
    }

    // MARK: Describing

    /// Reads an amount that may be given as an integer or as a decimal number, but not as both.
    ///
    /// Throws: 400 for both, for more than twelve decimal places, and for less than zero where that is not allowed.
    static func givenAmount(
        _ name: String,
        in given: JSONObject,
        param: String = "",
        mayBeNegative: Bool = false
    ) throws(StripeError) -> ExactAmount? {
        let decimalName = name + "_decimal"
        let place = { (name: String) in param.isEmpty ? name : "\(param)[\(name)]" }
        guard !given.has(name) || !given.has(decimalName) else {
            throw StripeError.invalid(
                place(decimalName),
                "You may only specify one of these parameters: \(place(name)), \(place(decimalName))."
            )
        }
        var amount = given.int(name).map { ExactAmount($0) }
        if let text = given.string(decimalName) {
            amount = ExactAmount(text)
            guard amount != nil else {
                throw StripeError.invalid(
                    place(decimalName),
                    "Invalid decimal: \(text.prefix(40)); must have at most 12 decimal places"
                )
            }
        }
        guard let amount else { return nil }
        guard mayBeNegative || !amount.isNegative else {
            throw StripeError.invalid(
                place(given.has(name) ? name : decimalName),
                "This value must be greater than or equal to 0."
            )
        }
        return amount
    }

    /// The fields of a price that say what it costs.
    ///
    /// Throws: 400 where they contradict each other, or where the simulator could not bill what they say.
    static func reckoning(_ given: JSONObject) throws(StripeError) -> JSONObject {
        for name in ["custom_unit_amount", "currency_options"] where given.has(name) {
            throw StripeError.invalid(name, "The simulator does not support `\(name)`.")
        }
        let isTiered = given.string("billing_scheme") == "tiered"
        let unit = try givenAmount("unit_amount", in: given)
        let transform = given.object("transform_quantity")
        if let transform, isTiered || (transform.int("divide_by") ?? 0) < 1 {
            throw StripeError.invalid(
                isTiered ? "transform_quantity" : "transform_quantity[divide_by]",
                isTiered
                    ? "You cannot use `transform_quantity` with `billing_scheme=tiered`."
                    : "This value must be greater than or equal to 1."
            )
        }
        var fields: JSONObject = [
            "billing_scheme": isTiered ? "tiered" : "per_unit", "tiers_mode": nil,
            "transform_quantity": transform.map { .object($0) } ?? .null,
            "unit_amount": .int(orNull: unit?.whole), "unit_amount_decimal": .string(orNull: unit?.text),
        ]
        guard isTiered else {
            for name in ["tiers", "tiers_mode"] where given.has(name) {
                throw StripeError.invalid(name, "You can only set `\(name)` when `billing_scheme` is `tiered`.")
            }
            guard unit != nil else {
                throw StripeError(
                    code: "parameter_missing",
                    "Invalid price: one of `unit_amount`, `unit_amount_decimal`, or `custom_unit_amount` must be given."
                )
            }
            return fields
        }
        guard unit == nil else {
            throw StripeError.invalid(
                "unit_amount",
                "You cannot set `unit_amount` when `billing_scheme` is `tiered`; each tier has its own."
            )
        }
        guard let mode = given.string("tiers_mode") else { throw StripeError.missingParameter("tiers_mode") }
        fields["tiers_mode"] = .string(mode)
        fields["_tiers"] = .array(try tiers((given.array("tiers") ?? []).compactMap(\.object)))
        return fields
    }

    private static func tiers(_ given: [JSONObject]) throws(StripeError) -> [JSONValue] {
        guard !given.isEmpty else { throw StripeError.missingParameter("tiers") }
        guard given.count <= maximumTiers else {
            throw StripeError.invalid("tiers", "Invalid array: at most \(maximumTiers) tiers")
        }
        var result: [JSONValue] = []
        var below: Int64 = 0
        for (index, tier) in given.enumerated() {
            let param = "tiers[\(index)]"
            let flat = try givenAmount("flat_amount", in: tier, param: param)
            let unit = try givenAmount("unit_amount", in: tier, param: param)
            guard flat != nil || unit != nil else { throw StripeError.missingParameter("\(param)[unit_amount]") }
            let isLast = index == given.count - 1
            guard isLast ? tier.string("up_to") == "inf" : tier.int("up_to").map({ $0 > below }) ?? false else {
                throw StripeError.invalid(
                    "\(param)[up_to]",
                    isLast
                        ? "The last tier must have an `up_to` of `inf`."
                        : "Tiers must be in ascending order of `up_to`, and only the last may be `inf`."
                )
            }
            below = tier.int("up_to") ?? below
            result.append([
                "flat_amount": .int(orNull: flat?.whole), "flat_amount_decimal": .string(orNull: flat?.text),
                "unit_amount": .int(orNull: unit?.whole), "unit_amount_decimal": .string(orNull: unit?.text),
                "up_to": .int(orNull: tier.int("up_to")),
            ])
        }
        return result
    }
}
