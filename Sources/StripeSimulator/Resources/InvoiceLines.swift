// The lines of a draft: made, changed, taken off, added up.
extension Ledger {
    private static let lineFields = """
        amount:i description:s discountable:b metadata:m? period{end:i! start:i!} price:s pricing{price:s}
        price_data{currency:s! product:s product_data{description:s images:a metadata:m name:s! tax_code:s unit_label:s}
        tax_behavior:exclusive|inclusive|unspecified unit_amount:i unit_amount_decimal:s}
        quantity:i quantity_decimal:s
        """

    static let invoiceLineRoutes: [Route] = [
        .list("invoices/:id/lines", "") { ledger, call throws(StripeError) in
            let invoice = try ledger.require(.invoice, call.id)
            return try page(invoice.object("lines")?.array("data") ?? [], of: "invoice line item", call)
        },
        .post("invoices/:id/lines/:line", lineFields) { ledger, call throws(StripeError) in
            let invoice = try ledger.require(.invoice, call.id)
            try ledger.addLinesCheck(invoice)
            return try ledger.changeLine(call.ids[1], of: invoice, by: call.parameters, param: "id", call)
        },
        .post("invoices/:id/add_lines", "invoice_metadata:m? lines[]{\(lineFields) invoice_item:s}!") {
            ledger,
            call throws(StripeError) in
            try ledger.changingLines(call) { ledger, invoice, line, param throws(StripeError) in
                try ledger.addLine(line, to: invoice, param: param, call)
            }
        },
        .post("invoices/:id/update_lines", "invoice_metadata:m? lines[]{id:s! \(lineFields)}!") {
            ledger,
            call throws(StripeError) in
            try ledger.changingLines(call) { ledger, invoice, line, param throws(StripeError) in
                let id = line.string("id") ?? ""
                _ = try ledger.changeLine(id, of: invoice, by: line, param: "\(param)[id]", call)
            }
        },
        .post("invoices/:id/remove_lines", "invoice_metadata:m? lines[]{id:s! behavior:delete|unassign!}!") {
            ledger,
            call throws(StripeError) in
            try ledger.changingLines(call) { ledger, invoice, line, param throws(StripeError) in
                try ledger.removeLine(line, from: invoice, param: param)
            }
        },
    ]

    // MARK: Making lines

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

    mutating func addLine(from item: JSONObject, to invoice: String) {
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
        var line = newLine(
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
        line["discountable"] = item["discountable"] ?? true
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

    /// The invoice item that a line came from.
    static func item(ofLine line: JSONObject) -> String? {
        line.value(at: "parent", "invoice_item_details", "invoice_item")?.string
            ?? line.value(at: "parent", "subscription_item_details", "invoice_item")?.string
    }

    /// Changes the lines of an invoice, or takes away those answered with nil, and adds it up again.
    mutating func changeLines(of invoice: String, _ change: (JSONObject) -> JSONObject?) {
        update(.invoice, invoice) { invoice in
            invoice.update("lines") { list in
                let data = (list.array("data") ?? []).compactMap(\.object).compactMap(change).map(JSONValue.object)
                list["data"] = .array(data)
                list["total_count"] = .int(Int64(data.count))
            }
        }
        total(invoice)
    }

    mutating func dropLine(ofItem item: String, from invoice: String) {
        changeLines(of: invoice) { Self.item(ofLine: $0) == item ? nil : $0 }
    }

    /// Whether an item waits for a draft: one that names a subscription is ignored by the invoices of others
    /// (`invoiceitem.subscription`).
    static func waits(_ item: JSONObject, for invoice: JSONObject) -> Bool {
        guard item["customer"] == invoice["customer"], !item.has("invoice"), item["currency"] == invoice["currency"]
        else { return false }
        let own = item.string("_subscription")
        guard let subscription = invoice.string("_subscription") else { return true }
        return own == subscription || (own == nil && invoice.string("billing_reason") != "manual")
    }

    /// Puts what waits for the customer's next invoice on a draft.
    mutating func takePendingItems(into id: String) {
        guard let invoice = find(.invoice, id) else { return }
        for item in all(.invoiceItem) where Self.waits(item, for: invoice) {
            update(.invoiceItem, item.id) { $0["invoice"] = .string(id) }
            addLine(from: item, to: id)
        }
    }

    func addLinesCheck(_ invoice: JSONObject) throws(StripeError) {
        guard invoice.status == "draft" else {
            throw StripeError.unexpectedState("invoice_not_editable", "This invoice is no longer editable")
        }
    }

    // MARK: Changing lines

    private static let maximumLines = 250

    /// Does something with each of a call's lines, with all of them or with none.
    private mutating func changingLines(
        _ call: Call,
        _ body: (inout Ledger, JSONObject, JSONObject, String) throws(StripeError) -> Void
    ) throws(StripeError) -> JSONObject {
        let invoice = try require(.invoice, call.id)
        try addLinesCheck(invoice)
        let lines = (call.parameters.array("lines") ?? []).compactMap(\.object)
        guard lines.count <= Self.maximumLines else {
            throw StripeError.invalid("lines", "Invalid array: at most \(Self.maximumLines) lines")
        }
        return try wholly { ledger throws(StripeError) in
            for (index, line) in lines.enumerated() { try body(&ledger, invoice, line, "lines[\(index)]") }
            if let metadata = call.parameters["invoice_metadata"] {
                let merged = call.with(["metadata": metadata]).updatedMetadata(invoice.object("metadata"))
                ledger.update(.invoice, invoice.id) { $0["metadata"] = .object(merged) }
            }
            return try ledger.require(.invoice, invoice.id)
        }
    }

    private mutating func addLine(
        _ line: JSONObject,
        to invoice: JSONObject,
        param: String,
        _ call: Call
    ) throws(StripeError) {
        guard let id = line.string("invoice_item") else {
            var parameters = line
            parameters["customer"] = invoice["customer"] ?? .null
            parameters["invoice"] = .string(invoice.id)
            _ = try createItem(call.with(parameters))
            return
        }
        let item = try require(.invoiceItem, id, param: "\(param)[invoice_item]")
        guard !item.has("invoice"), item["customer"] == invoice["customer"], item["currency"] == invoice["currency"]
        else {
            throw StripeError.invalid(
                "\(param)[invoice_item]",
                "The invoice item must be pending, and of the invoice's customer and currency."
            )
        }
        update(.invoiceItem, id) { $0["invoice"] = .string(invoice.id) }
        addLine(from: item, to: invoice.id)
        total(invoice.id)
    }

    private mutating func changeLine(
        _ id: String,
        of invoice: JSONObject,
        by given: JSONObject,
        param: String,
        _ call: Call
    ) throws(StripeError) -> JSONObject {
        let line = try line(id, of: invoice, param: param)
        let after = try changed(line, by: given, call)
        changeLines(of: invoice.id) { $0.id == id ? after : $0 }
        if let item = Self.item(ofLine: line) {
            update(.invoiceItem, item) { item in
                for name in ["amount", "description", "period", "pricing", "quantity", "quantity_decimal"] {
                    item[name] = after[name] ?? .null
                }
            }
        }
        return after
    }

    private mutating func removeLine(
        _ given: JSONObject,
        from invoice: JSONObject,
        param: String
    ) throws(StripeError) {
        let line = try line(given.string("id") ?? "", of: invoice, param: "\(param)[id]")
        if let item = Self.item(ofLine: line) {
            if given.string("behavior") == "delete" {
                objects[.invoiceItem]?[item] = nil
            } else {
                update(.invoiceItem, item) { $0["invoice"] = .null }
            }
        }
        changeLines(of: invoice.id) { $0.id == line.id ? nil : $0 }
    }

    func line(_ id: String, of invoice: JSONObject, param: String) throws(StripeError) -> JSONObject {
        let lines = find(.invoice, invoice.id)?.object("lines")?.array("data") ?? []
        guard let line = lines.compactMap(\.object).first(where: { $0.id == id }) else {
            throw StripeError.missingObject("invoice line item", id, param: param)
        }
        return line
    }

    // MARK: Adding up

    /// Adds an invoice up: lines, discounts, what is due.
    mutating func total(_ id: String) {
        guard let invoice = find(.invoice, id) else { return }
        let currency = invoice.string("currency") ?? "usd"
        let lines = (invoice.object("lines")?.array("data") ?? []).compactMap(\.object)
        let subtotal = lines.reduce(Int64(0)) { $0 &+ ($1.int("amount") ?? 0) }
        var left = subtotal
        // A proration is never discountable: its amount has the discount in it.
        var discountable = lines.filter { $0.bool("discountable") != false }
            .reduce(Int64(0)) { $0 &+ ($1.int("amount") ?? 0) }
        var reductions: [JSONValue] = []
        for discount in (invoice.array("discounts") ?? []).compactMap(\.string) {
            let off = reduction(by: discount, of: discountable, currency: currency)
            discountable -= off
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
