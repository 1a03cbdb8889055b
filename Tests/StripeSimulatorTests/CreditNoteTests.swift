import Testing

@testable import StripeSimulator

@Suite("Credit notes") struct CreditNoteTests {
    /// An invoice of nine units of 100, open or paid.
    private func invoice(_ desk: inout Desk, isPaid: Bool) -> (customer: String, invoice: String) {
        let customer = desk.customer()
        let made = desk.post("/v1/invoices", "customer=\(customer)").id
        desk.post(
            "/v1/invoiceitems",
            "customer=\(customer)&invoice=\(made)&unit_amount_decimal=100&quantity=9&currency=usd"
        )
        desk.post("/v1/invoices/\(made)/\(isPaid ? "pay" : "finalize")")
        return (customer, made)
    }

    private func numbers(_ desk: inout Desk, _ invoice: String) -> [Int64?] {
        let shown = desk.get("/v1/invoices/\(invoice)")
        return [
            "amount_due", "amount_remaining", "pre_payment_credit_notes_amount", "post_payment_credit_notes_amount",
        ].map { shown.int($0) }
    }

    @Test("notes on an open invoice add up, are numbered, and leave the rest to be paid")
    func open() {
        var desk = Desk()
        let (_, id) = invoice(&desk, isPaid: false)
        let first = desk.post("/v1/credit_notes", "invoice=\(id)&amount=100")
        let second = desk.post("/v1/credit_notes", "invoice=\(id)&amount=200")
        #expect(first.string("number")?.hasSuffix("-CN-01") == true)
        #expect(second.string("number")?.hasSuffix("-CN-02") == true)
        #expect(second.string("type") == "pre_payment")
        #expect(numbers(&desk, id) == [600, 600, 300, 0])
        #expect(desk.post("/v1/credit_notes", "invoice=\(id)&amount=601").errorParam == "amount")
        #expect(desk.post("/v1/invoices/\(id)/pay").int("amount_paid") == 600)
    }

    @Test("a note that is void no longer lowers what is asked for; one of a paid invoice stays")
    func void() {
        var desk = Desk()
        let (_, id) = invoice(&desk, isPaid: false)
        let note = desk.post("/v1/credit_notes", "invoice=\(id)&amount=100")
        #expect(desk.post("/v1/credit_notes/\(note.id)/void").status == "void")
        #expect(numbers(&desk, id) == [900, 900, 0, 0])
        desk.post("/v1/credit_notes", "invoice=\(id)&amount=900")
        #expect(desk.get("/v1/invoices/\(id)").status == "paid")
        let paid = invoice(&desk, isPaid: true).invoice
        let given = desk.post("/v1/credit_notes", "invoice=\(paid)&amount=100&out_of_band_amount=100")
        desk.post("/v1/credit_notes/\(given.id)/void")
        #expect(desk.last.status == 400)
    }

    @Test("what was paid goes back by refund, by balance or outside of Stripe, and all of it")
    func paid() {
        var desk = Desk()
        let (customer, id) = invoice(&desk, isPaid: true)
        desk.post("/v1/credit_notes", "invoice=\(id)&amount=100")
        #expect(desk.last.status == 400)
        desk.post("/v1/credit_notes", "invoice=\(id)&amount=100&refund_amount=50&credit_amount=40")
        #expect(desk.last.status == 400)
        let back = desk.post(
            "/v1/credit_notes",
            "invoice=\(id)&amount=300&refund_amount=100&credit_amount=80&out_of_band_amount=120"
        )
        #expect(back.int("post_payment_amount") == 300)
        #expect(back.int("out_of_band_amount") == 120)
        #expect(back.has("customer_balance_transaction"))
        let refund = back.array("refunds")?.first?.object?.string("refund") ?? ""
        #expect(desk.get("/v1/refunds/\(refund)").int("amount") == 100)
        #expect(desk.get("/v1/customers/\(customer)").int("balance") == -80)
        #expect(numbers(&desk, id) == [900, 0, 0, 300])
        let more = desk.post("/v1/credit_notes", "invoice=\(id)&amount=601&refund_amount=601")
        #expect(more.errorParam == "amount")
        #expect(desk.get("/v1/refunds").data().count == 1)
    }

    @Test("so many units of a line are credited at the line's price")
    func units() {
        var desk = Desk()
        let (_, id) = invoice(&desk, isPaid: false)
        let line = desk.get("/v1/invoices/\(id)/lines").data().first?.id ?? ""
        let form =
            "invoice=\(id)&lines[0][type]=invoice_line_item&lines[0][invoice_line_item]=\(line)&lines[0][quantity]="
        #expect(desk.post("/v1/credit_notes", form + "10").errorParam == "lines[0][quantity]")
        #expect(desk.post("/v1/credit_notes", form + "2").int("amount") == 200)
        #expect(
            desk.post("/v1/credit_notes", "invoice=\(id)&lines[0][type]=invoice_line_item").errorParam
                == "lines[0][invoice_line_item]"
        )
    }

    @Test("a preview tells what a note would be, and changes nothing")
    func preview() {
        var desk = Desk()
        let (_, id) = invoice(&desk, isPaid: true)
        let seen = desk.get("/v1/credit_notes/preview", "invoice=\(id)&amount=100&refund_amount=100")
        #expect(seen.int("post_payment_amount") == 100)
        #expect(desk.get("/v1/credit_notes").data().isEmpty)
        #expect(desk.get("/v1/refunds").data().isEmpty)
        #expect(numbers(&desk, id) == [900, 0, 0, 0])
    }
}
