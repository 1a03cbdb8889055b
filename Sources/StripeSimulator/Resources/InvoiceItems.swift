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
        .list("invoiceitems", "created:r customer:s invoice:s pending:b") { ledger, call throws(StripeError) in
            let pending = call.bool("pending")
            return try ledger.page(.invoiceItem, call, filters: ["customer", "invoice"]) { item in
                pending == nil || pending == !item.has("invoice")
            }
        },
        .get("invoiceitems/:id") { ledger, call throws(StripeError) in try ledger.require(.invoiceItem, call.id) },
        .post("invoiceitems/:id", describing) { ledger, call throws(StripeError) in
            let item = try ledger.require(.invoiceItem, call.id)
            return ledger.change(.invoiceItem, item.id, emitting: nil) { item in
                call.copy(["amount", "description", "quantity"], to: &item)
                item["metadata"] = .object(call.updatedMetadata(item.object("metadata")))
            }
        },
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

    private mutating func createItem(_ call: Call) throws(StripeError) -> JSONObject {
        guard let customerID = call.string("customer") else { throw StripeError.missingParameter("customer") }
        let customer = try liveCustomer(customerID, param: "customer")
        var price: JSONObject?
        if call.string("price") != nil || call.object("pricing") != nil || call.object("price_data") != nil {
            price = try self.price(of: call.parameters, param: "pricing", call)
        }
        let quantity = call.int("quantity") ?? 1
        let unit = call.int("unit_amount") ?? call.string("unit_amount_decimal").flatMap { Int64($0) }
        guard let amount = call.int("amount") ?? Self.product(unit ?? price?.int("unit_amount"), quantity) else {
            throw StripeError.missingParameter("amount")
        }
        if let invoice = call.string("invoice") {
            guard try require(.invoice, invoice, param: "invoice").status == "draft" else {
                throw StripeError.unexpectedState("invoice_not_editable", "This invoice is no longer editable")
            }
        }
        let named = try call.string("currency").map { text throws(StripeError) in try Currency.check(text) }
        let currency = price?.string("currency") ?? named ?? customer.string("currency") ?? "usd"
        var item = newItem(customer: customerID, amount: amount, currency: currency, price: price, quantity: quantity)
        call.copy(["description", "invoice", "discountable"], to: &item)
        if let period = call.object("period") { item["period"] = .object(period) }
        item["metadata"] = .object(call.updatedMetadata(nil))
        insert(.invoiceItem, item)
        emit("invoiceitem.created", item)
        if let invoice = call.string("invoice") {
            addLine(from: item, to: invoice)
            total(invoice)
        }
        return item
    }

    /// A product that does not overflow.
    static func product(_ amount: Int64?, _ quantity: Int64) -> Int64? {
        guard let amount else { return nil }
        let (product, overflow) = amount.multipliedReportingOverflow(by: quantity)
        return overflow || product.magnitude > 999_999_999_999 ? nil : product
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

    // MARK: Lines

    /// A line of an invoice.
    mutating func newLine(
        invoice: String,
        amount: Int64,
        currency: String,
        description: JSONValue,
        period: (start: Int64, end: Int64),
        parent: JSONValue,
        pricing: JSONValue,
        quantity: Int64
    ) -> JSONObject {
        [
            "id": .string(newID(.lineItem)), "object": "line_item", "amount": .int(amount),
            "currency": .string(currency), "description": description, "discount_amounts": [], "discountable": true,
            "discounts": [], "invoice": .string(invoice), "livemode": .bool(livemode), "metadata": [:],
            "parent": parent, "period": ["end": .int(period.end), "start": .int(period.start)],
            "pretax_credit_amounts": [], "pricing": pricing, "quantity": .int(quantity),
            "quantity_decimal": .string(String(quantity)),
            "subscription": parent.object?.value(at: "subscription_item_details", "subscription") ?? .null,
            "subtotal": .int(amount), "taxes": [],
        ]
    }

    private mutating func addLine(from item: JSONObject, to invoice: String) {
        let subscription = item.string("_subscription")
        let proration: JSONObject = [
            "invoice_item": .string(item.id), "proration": item["proration"] ?? false,
            "proration_details": ["credited_items": nil], "subscription": .string(orNull: subscription),
        ]
        let parent: JSONValue
        if subscription != nil, let subscriptionItem = item.string("_subscription_item") {
            parent = [
                "invoice_item_details": nil,
                "subscription_item_details": .object(
                    proration.merging(["subscription_item": .string(subscriptionItem)])
                ), "type": "subscription_item_details",
            ]
        } else {
            parent = [
                "invoice_item_details": .object(proration), "subscription_item_details": nil,
                "type": "invoice_item_details",
            ]
        }
        let line = newLine(
            invoice: invoice,
            amount: item.int("amount") ?? 0,
            currency: item.string("currency") ?? "usd",
            description: item["description"] ?? .null,
            period: (
                item.value(at: "period", "start")?.int ?? now.seconds,
                item.value(at: "period", "end")?.int ?? now.seconds
            ),
            parent: parent,
            pricing: item["pricing"] ?? .null,
            quantity: item.int("quantity") ?? 1
        )
        append([line], toInvoice: invoice)
    }

    mutating func append(_ lines: [JSONObject], toInvoice id: String) {
        update(.invoice, id) { invoice in
            invoice.update("lines") { list in
                let data = (list.array("data") ?? []) + lines.map(JSONValue.object)
                list["data"] = .array(data)
                list["total_count"] = .int(Int64(data.count))
            }
        }
    }

    private mutating func dropLine(ofItem item: String, from invoice: String) {
        update(.invoice, invoice) { invoice in
            invoice.update("lines") { list in
                let data = (list.array("data") ?? []).filter { line in
                    line.object?.value(at: "parent", "invoice_item_details", "invoice_item")?.string != item
                }
                list["data"] = .array(data)
                list["total_count"] = .int(Int64(data.count))
            }
        }
        total(invoice)
    }

    /// Puts what waits for the customer's next invoice on a draft.
    mutating func takePendingItems(into id: String) {
        guard let invoice = find(.invoice, id), let customer = invoice.string("customer") else { return }
        for item in all(.invoiceItem)
        where item.string("customer") == customer && !item.has("invoice") && item["currency"] == invoice["currency"] {
            update(.invoiceItem, item.id) { $0["invoice"] = .string(id) }
            addLine(from: item, to: id)
        }
    }

    func addLinesCheck(_ invoice: JSONObject) throws(StripeError) {
        guard invoice.status == "draft" else {
            throw StripeError.unexpectedState("invoice_not_editable", "This invoice is no longer editable")
        }
    }

    mutating func addLines(_ call: Call) throws(StripeError) -> JSONObject {
        let invoice = try require(.invoice, call.id)
        try addLinesCheck(invoice)
        for (index, given) in (call.parameters.array("lines") ?? []).compactMap(\.object).enumerated() {
            var parameters = Self.typed(given)
            if let data = parameters.object("price_data") { parameters["price_data"] = .object(Self.typed(data)) }
            parameters["customer"] = invoice["customer"] ?? .null
            parameters["invoice"] = .string(invoice.id)
            guard index < 250 else { throw StripeError.invalid("lines", "Invalid array: at most 250 lines") }
            _ = try createItem(call.with(parameters))
        }
        return try require(.invoice, invoice.id)
    }

    /// Adds an invoice up: lines, discounts, what is due.
    mutating func total(_ id: String) {
        guard let invoice = find(.invoice, id) else { return }
        let currency = invoice.string("currency") ?? "usd"
        let subtotal = (invoice.object("lines")?.array("data") ?? [])
            .reduce(Int64(0)) { $0 &+ ($1.object?.int("amount") ?? 0) }
        var left = subtotal
        var reductions: [JSONValue] = []
        for discount in (invoice.array("discounts") ?? []).compactMap(\.string) {
            let off = reduction(by: discount, of: left, currency: currency)
            left -= off
            reductions.append(["amount": .int(off), "discount": .string(discount)])
        }
        let balance = invoice.string("customer").flatMap { find(.customer, $0) }?.int("balance") ?? 0
        let due = max(0, left + balance)
        update(.invoice, id) { invoice in
            invoice["subtotal"] = .int(subtotal)
            invoice["subtotal_excluding_tax"] = .int(subtotal)
            invoice["total"] = .int(left)
            invoice["total_excluding_tax"] = .int(left)
            invoice["total_discount_amounts"] = .array(reductions)
            invoice["amount_due"] = .int(due)
            invoice["amount_remaining"] = .int(due)
        }
    }
}
