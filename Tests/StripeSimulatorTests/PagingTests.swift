import Testing

@testable import StripeSimulator

@Suite("Pages of lines, and filters of lists") struct PagingTests {
    /// The ids of a list, asked for one by one.
    private func walk(_ desk: inout Desk, _ path: String, _ query: String = "") -> [String] {
        var ids: [String] = []
        var cursor = ""
        for _ in 0..<6 {
            let page = desk.get(path, "limit=1\(query)\(cursor)")
            ids += page.data().map(\.id)
            guard page.bool("has_more") == true, let last = ids.last else { break }
            cursor = "&starting_after=\(last)"
        }
        return ids
    }

    private func objectsWithLines(_ desk: inout Desk) -> [(path: String, query: String)] {
        let customer = desk.customer()
        let line = { (index: Int) in
            "&line_items[\(index)][price_data][currency]=usd&line_items[\(index)][price_data][unit_amount]=500"
                + "&line_items[\(index)][price_data][product_data][name]=N&line_items[\(index)][quantity]=1"
        }
        let lines = (0..<3).map(line).joined()
        let session = desk.post("/v1/checkout/sessions", "mode=payment&success_url=https://a.b" + lines)
        let link = desk.post("/v1/payment_links", String(lines.dropFirst()))
        let invoice = desk.post("/v1/invoices", "customer=\(customer)")
        for amount in [100, 101, 102] {
            desk.post("/v1/invoiceitems", "customer=\(customer)&invoice=\(invoice.id)&amount=\(amount)&currency=usd")
        }
        desk.post("/v1/invoices/\(invoice.id)/finalize")
        let credit = (0..<3).map { "&lines[\($0)][type]=custom_line_item&lines[\($0)][unit_amount]=10" }.joined()
        let note = desk.post("/v1/credit_notes", "invoice=\(invoice.id)" + credit)
        let items = (0..<3).map { "&items[\($0)][price]=\(desk.price(1_000))" }.joined()
        let subscription = desk.post("/v1/subscriptions", "customer=\(customer)" + items)
        return [
            ("/v1/checkout/sessions/\(session.id)/line_items", ""), ("/v1/payment_links/\(link.id)/line_items", ""),
            ("/v1/invoices/\(invoice.id)/lines", ""), ("/v1/credit_notes/\(note.id)/lines", ""),
            ("/v1/credit_notes/preview/lines", "&invoice=\(invoice.id)" + credit),
            ("/v1/subscription_items", "&subscription=\(subscription.id)"),
        ]
    }

    @Test("the lines of an object are paged to their end, each of them once")
    func lines() {
        var desk = Desk()
        for (path, query) in objectsWithLines(&desk) where !path.contains("preview") {
            let all = desk.get(path, String(query.dropFirst())).data().map(\.id)
            #expect(all.count == 3, "\(path)")
            #expect(walk(&desk, path, query) == all, "\(path)")
            let before = desk.get(path, "limit=1\(query)&ending_before=\(all.last ?? "")")
            #expect(before.data().map(\.id) == [all.dropLast().last ?? ""], "\(path)")
            #expect(before.bool("has_more") == true, "\(path)")
            let unknown = desk.get(path, "starting_after=il_nope\(query)")
            #expect(unknown.errorCode == "resource_missing", "\(path)")
            #expect(unknown.errorParam == "starting_after", "\(path)")
        }
    }

    @Test("the lines of a credit note that is to come can be looked at")
    func previewLines() {
        var desk = Desk()
        for (path, query) in objectsWithLines(&desk) where path.contains("preview") {
            #expect(desk.get(path, String(query.dropFirst())).data().compactMap { $0.int("amount") } == [10, 10, 10])
        }
    }

    @Test("a filter that fits nothing gives nothing")
    func filters() {
        var desk = Desk()
        let customer = desk.customer()
        let price = desk.price(1_000)
        desk.subscribe(customer, price)
        desk.post("/v1/invoiceitems", "customer=\(customer)&amount=5&currency=usd")
        desk.post("/v1/setup_intents", "customer=\(customer)")
        let line = "line_items[0][price]=\(price)&line_items[0][quantity]=1"
        desk.post("/v1/checkout/sessions", "mode=subscription&success_url=https://a.b&" + line)
        let filters = [
            ("checkout/sessions", "customer_details[email]=no@body.de"), ("invoices", "due_date[gt]=1"),
            ("subscriptions", "current_period_end[lt]=1"), ("subscriptions", "current_period_start[lt]=1"),
            ("subscriptions", "automatic_tax[enabled]=true"), ("prices", "recurring[usage_type]=metered"),
            ("prices", "recurring[interval]=year"), ("invoiceitems", "created[lt]=1"),
            ("setup_intents", "attach_to_self=true"),
        ]
        for (path, query) in filters {
            #expect(!desk.get("/v1/\(path)").data().isEmpty, "\(path)")
            #expect(desk.get("/v1/\(path)", query).data().isEmpty, "\(path)?\(query)")
        }
        #expect(desk.get("/v1/balance_transactions", "payout=po_nope").errorParam == "payout")
    }

    @Test("a filter that fits finds")
    func fitting() {
        var desk = Desk()
        let customer = desk.post("/v1/customers", "email=ada@example.com").id
        desk.setCard("pm_card_visa", of: customer)
        let subscription = desk.subscribe(
            customer,
            desk.price(1_000),
            "collection_method=send_invoice&days_until_due=3"
        )
        let end = Desk.start.seconds + 40 * Desk.day
        #expect(desk.get("/v1/subscriptions", "current_period_end[lt]=\(end)").data().map(\.id) == [subscription.id])
        #expect(desk.get("/v1/invoices", "due_date[lt]=\(end)").data().count == 1)
        let line = "line_items[0][price]=\(desk.price(5))&line_items[0][quantity]=100"
        desk.post("/v1/checkout/sessions", "mode=subscription&success_url=https://a.b&customer=\(customer)&" + line)
        #expect(desk.get("/v1/checkout/sessions", "customer_details[email]=ada@example.com").data().count == 1)
        let coupon = desk.post("/v1/coupons", "percent_off=5").id
        desk.post("/v1/promotion_codes", "promotion[type]=coupon&promotion[coupon]=\(coupon)&code=Spring")
        #expect(desk.get("/v1/promotion_codes", "code=sPRING").data().count == 1)
    }

    @Test("an object shows the first ten of its lines, and where the others are")
    func embedded() {
        var desk = Desk()
        let customer = desk.customer()
        let invoice = desk.post("/v1/invoices", "customer=\(customer)").id
        for amount in 1...12 {
            desk.post("/v1/invoiceitems", "customer=\(customer)&invoice=\(invoice)&amount=\(amount)&currency=usd")
        }
        let shown = desk.get("/v1/invoices/\(invoice)")
        #expect(shown.int("total") == 78)
        let lines = shown.object("lines") ?? [:]
        #expect(lines.data().count == 10)
        #expect(lines.bool("has_more") == true)
        #expect(desk.get(lines.string("url") ?? "", "limit=100").data().count == 12)
        #expect(desk.post("/v1/invoices/\(invoice)/pay").int("amount_paid") == 78)
    }

    @Test("the lists in a customer and in an invoice can be reached at their addresses")
    func addresses() {
        var desk = Desk()
        let customer = desk.customer()
        let subscription = desk.subscribe(customer, desk.price(1_000))
        let shown = desk.get("/v1/customers/\(customer)", "expand[]=subscriptions&expand[]=sources&expand[]=tax_ids")
        for name in ["subscriptions", "sources", "tax_ids"] {
            let list = shown.object(name) ?? [:]
            #expect(desk.get(list.string("url") ?? "").data() == list.data())
        }
        let path = "/v1/invoices/\(subscription.string("latest_invoice") ?? "")"
        let payments = desk.get(path, "expand[]=payments").object("payments") ?? [:]
        #expect(payments.data().count == 1)
        #expect(desk.get(payments.string("url") ?? "").data() == payments.data())
    }
}
