extension Ledger {
    private static let describing = """
        amount:i description:s discountable:b \(discounts) metadata:m? period{end:i! start:i!} price:s
        price_data{currency:s! product:s! tax_behavior:exclusive|inclusive|unspecified unit_amount:i unit_amount_decimal:s}
        pricing{price:s} quantity:i quantity_decimal:s tax_behavior:exclusive|inclusive|unspecified tax_code:s?
        tax_rates:a? unit_amount:i unit_amount_decimal:s
        """

    static let invoiceItemRoutes: [Route] = [
        .post("invoiceitems", "\(describing) currency:s customer:s customer_account:s invoice:s subscription:s") {
            ledger,
            call throws(StripeError) in
            let customer = call.string("customer") ?? ""
            return try ledger.onClock(of: customer) { ledger throws(StripeError) in try ledger.createItem(call) }
        },
        .list("invoiceitems", "created:r customer:s customer_account:s invoice:s pending:b") {
            ledger,
            call throws(StripeError) in
            let pending = call.bool("pending")
            return try ledger.page(.invoiceItem, call, filters: ["customer", "customer_account", "invoice"]) { item in
                pending == nil || pending == !item.has("invoice")
            }
        },
        .get("invoiceitems/:id") { ledger, call throws(StripeError) in try ledger.require(.invoiceItem, call.id) },
        .post("invoiceitems/:id", describing) { ledger, call throws(StripeError) in try ledger.updateItem(call) },
        .delete("invoiceitems/:id") { ledger, call throws(StripeError) in
            let item = try ledger.require(.invoiceItem, call.id)
            guard !item.has("invoice") || ledger.find(.invoice, item.string("invoice") ?? "")?.status == "draft" else {
                throw StripeError("You can't delete an invoice item that is on a finalized invoice.", executed: true)
            }
            ledger.objects[.invoiceItem]?[item.id] = nil
            ledger.emit("invoiceitem.deleted", item)
            if let invoice = item.string("invoice") { ledger.dropLine(ofItem: item.id, from: invoice) }
            return ["id": .string(item.id), "object": "invoiceitem", "deleted": true]
        },
    ]

    mutating func createItem(_ call: Call) throws(StripeError) -> JSONObject {
        guard let customerID = call.string("customer") else { throw StripeError.missingParameter("customer") }
        let customer = try liveCustomer(customerID, param: "customer")
        let invoice = try call.string("invoice").map { id throws(StripeError) in
            try require(.invoice, id, param: "invoice")
        }
        if let invoice { try addLinesCheck(invoice) }
        let named = try call.string("currency").map { text throws(StripeError) in try Currency.check(text) }
        let expected = invoice?.string("currency") ?? named
        if let named, named != expected { throw Self.wrongCurrency(named, expected: expected) }
        let subscription = try call.string("subscription").map { id throws(StripeError) in
            try require(.subscription, id, param: "subscription")
        }
        if call.parameters.array("discounts")?.isEmpty == false {
            throw Self.notModelled("discounts", "discounts of an invoice item")
        }
        let quantity = try Self.quantity(call.parameters) ?? 1
        let unit = try Self.givenAmount("unit_amount", in: call.parameters, mayBeNegative: true)
        let price = try priceOfItem(call.parameters, currency: expected, call)
        let reckoned =
            unit.map { ($0 * quantity).rounded } ?? price.map { Self.amount(of: $0, quantity: quantity) } ?? nil
        guard let amount = call.int("amount") ?? reckoned else {
            throw unit == nil && price == nil ? StripeError.missingParameter("amount") : Self.tooLarge
        }
        let currency = price?.string("currency") ?? expected ?? customer.string("currency") ?? "usd"
        if invoice == nil { try takeCurrency(currency, of: customer) }
        var item = newItem(customer: customerID, amount: amount, currency: currency, price: price, quantity: quantity)
        if let subscription { item["_subscription"] = .string(subscription.id) }
        call.copy(["description", "invoice", "discountable"], to: &item)
        if let period = call.object("period") { item["period"] = .object(period) }
        if let unit, call.int("amount") == nil { item["_unit"] = .string(unit.text) }
        item["metadata"] = .object(call.updatedMetadata(nil))
        insert(.invoiceItem, item)
        emit("invoiceitem.created", item)
        if let invoice = call.string("invoice") {
            addLine(from: item, to: invoice)
            total(invoice)
        }
        return item
    }

    private static let tooLarge = StripeError.invalid(
        "quantity",
        "The amount is larger than any amount can be.",
        code: "amount_too_large"
    )

    private static func wrongCurrency(_ given: String, expected: String?) -> StripeError {
        StripeError.invalid(
            "currency",
            "The currency of the invoice item (`\(given)`) does not match the expected currency: "
                + "`\(expected ?? "")`."
        )
    }

    /// A quantity, also one given as a decimal number.
    ///
    /// Throws: 400 for parts of a unit, which the simulator does not bill.
    static func quantity(_ given: JSONObject) throws(StripeError) -> Int64? {
        guard let text = given.string("quantity_decimal") else {
            try check(given.int("quantity"), in: 0...Int64.max, "quantity")
            return given.int("quantity")
        }
        guard let whole = ExactAmount(text)?.whole else {
            throw StripeError.invalid("quantity_decimal", "The simulator bills whole quantities alone.")
        }
        try check(whole, in: 0...Int64.max, "quantity_decimal")
        return whole
    }

    /// The price that an item or a line names or describes, in the right currency.
    private mutating func priceOfItem(
        _ given: JSONObject,
        currency expected: String?,
        _ call: Call
    ) throws(StripeError) -> JSONObject? {
        guard given.has("price") || given.has("pricing") || given.has("price_data") else { return nil }
        let data = given.object("price_data")?.string("currency")?.lowercased()
        if let data, let expected, data != expected { throw Self.wrongCurrency(data, expected: expected) }
        let price = try price(of: given, param: "pricing", call)
        if let currency = price.string("currency"), let expected, currency != expected {
            throw Self.wrongCurrency(currency, expected: expected)
        }
        return price
    }

    /// An item or a line with what a call changes of it; its amount follows.
    mutating func changed(_ old: JSONObject, by given: JSONObject, _ call: Call) throws(StripeError) -> JSONObject {
        var result = old
        for name in ["description", "discountable"] { if let value = given[name] { result[name] = value } }
        if let period = given.object("period") { result["period"] = .object(period) }
        if given["metadata"] != nil {
            result["metadata"] = .object(call.with(given).updatedMetadata(old.object("metadata")))
        }
        let quantity = try Self.quantity(given) ?? old.int("quantity") ?? 1
        var unit = try Self.givenAmount("unit_amount", in: given, mayBeNegative: true)
        let named = try priceOfItem(given, currency: old.string("currency"), call)
        let kept = old.value(at: "pricing", "price_details", "price")?.string.flatMap { find(.price, $0) }
        if named == nil { unit = unit ?? old.string("_unit").flatMap { ExactAmount($0) } }
        result["quantity"] = .int(quantity)
        result["quantity_decimal"] = .string(String(quantity))
        var amount = given.int("amount") ?? old.int("amount")
        if given.int("amount") != nil {
            result["_unit"] = nil
            result["pricing"] = .null
        } else if let unit {
            result["_unit"] = .string(unit.text)
            amount = (unit * quantity).rounded
        } else if let price = named ?? kept, named != nil || quantity != old.int("quantity") {
            result["_unit"] = nil
            result["pricing"] = Self.pricing(price, amount: 0, quantity: quantity)
            amount = Self.amount(of: price, quantity: quantity)
        }
        guard let amount else { throw Self.tooLarge }
        result["amount"] = .int(amount)
        if old["subtotal"] != nil { result["subtotal"] = .int(amount) }
        return result
    }

    private mutating func updateItem(_ call: Call) throws(StripeError) -> JSONObject {
        let item = try require(.invoiceItem, call.id)
        let invoice = item.string("invoice").flatMap { find(.invoice, $0) }
        if let invoice { try addLinesCheck(invoice) }
        let after = try changed(item, by: call.parameters, call)
        insert(.invoiceItem, after)
        guard let invoice else { return after }
        changeLines(of: invoice.id) { line in
            guard Self.item(ofLine: line) == item.id else { return line }
            let names = ["amount", "description", "discountable", "period", "pricing", "quantity", "quantity_decimal"]
            var line = line
            for name in names { line[name] = after[name] ?? .null }
            line["subtotal"] = after["amount"] ?? 0
            return line
        }
        return after
    }

    mutating func newItem(
        customer: String,
        amount: Int64,
        currency: String,
        price: JSONObject?,
        quantity: Int64
    ) -> JSONObject {
        let productName = price?.string("product").flatMap { find(.product, $0) }?.string("name")
        return [
            "id": .string(newID(.invoiceItem)), "object": "invoiceitem", "amount": .int(amount),
            "currency": .string(currency), "customer": .string(customer), "customer_account": nil,
            "date": .int(now.seconds), "description": .string(orNull: productName), "discountable": true,
            "discounts": [], "invoice": nil, "livemode": .bool(livemode), "metadata": [:], "parent": nil,
            "period": ["end": .int(now.seconds), "start": .int(now.seconds)],
            "pricing": Self.pricing(price, amount: amount, quantity: quantity), "proration": false,
            "quantity": .int(quantity), "quantity_decimal": .string(String(quantity)), "tax_rates": [],
            "test_clock": find(.customer, customer)?["test_clock"] ?? .null,
        ]
    }

    static func pricing(_ price: JSONObject?, amount: Int64, quantity: Int64) -> JSONValue {
        guard let price else { return .null }
        return [
            "price_details": ["price": .string(price.id), "product": price["product"] ?? .null],
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"] ?? .null,
        ]
    }
}
