import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// `lower-recurring-amount`: charges less for one period, for the flow behind `recurring-payment: due`.
///
/// The draft is fetched first, so that what is taken off is what stands there now: asking twice takes off once. More
/// than the draft, or than the recurring payment began with, is refused: nothing here raises an amount.
///
/// The request's key follows from the invoice and the amount that the draft had: of several calls at once, which have
/// all seen the same draft, Stripe carries one out.
struct LowerRecurringAmount: Command {
    static let declaration = CommandDeclaration(
        name: "lower-recurring-amount",
        summary: "Lowers the amount of one period while its invoice is a draft; never raises it",
        parameters: [
            ParameterDeclaration(name: "invoice", type: .string, isRequired: true, summary: "As the handler gave it"),
            ParameterDeclaration(
                name: "amount",
                type: .int,
                isRequired: true,
                summary: "What is to be charged, in minor units; 0 charges nothing"
            ),
            ParameterDeclaration(name: "description", type: .string, summary: "Shown on the invoice"),
        ],
        output: RecordType(
            name: "Lowered Invoice",
            fields: ["invoice": RecordType.Field(.string), "amount": RecordType.Field(.int)]
        ),
        needsPayments: true
    )

    var declaration: CommandDeclaration { Self.declaration }

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        guard let invoice = StripeID.of(call.data["invoice"], prefix: "in_") else {
            return .fail(.payments("invoice_malformed", "`invoice` is an id such as in_…", param: "invoice"))
        }
        do throws(Refusal) {
            let amount = try StripeMoneyRules.minorUnits(call.data["amount"], parameter: "amount")
            guard amount >= 0 else {
                throw Refusal(code: "amount_not_positive", message: "an amount is not negative", param: "amount")
            }
        } catch {
            return .fail(error.failure)
        }
        return .send(StripeRequest.get("/v1/invoices/\(invoice)", call))
    }

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        guard (200..<300).contains(answer.status) else {
            let failure = StripeFailure.failure(from: answer)
            guard failure.type == "idempotency_error", request.method == "POST" else { return .fail(failure) }
            let message = "another call has lowered the draft meanwhile, to something else; ask again"
            return .fail(.payments("invoice_changed", message, status: 409, retryable: true))
        }
        let amount = call.data["amount"]?.intValue ?? 0
        guard request.method == "GET" else { return try done(amount, call, in: transaction) }
        guard let object = try? JSON.parse(answer.body), let invoice = StripeInvoice(object) else {
            return .fail(StripeFailure.malformed(answer, expected: "an Invoice"))
        }
        guard let subscription = invoice.subscription, let customer = invoice.customer,
            let row = try RecurringLedger(transaction).recurring(subscription: subscription, mode: call.mode)
        else { return .fail(.payments("invoice_unknown", "no recurring payment here has this invoice", status: 404)) }
        guard invoice.isDraft else {
            return .fail(
                .payments("invoice_final", "the invoice is no draft any more: it is charged as it is", status: 409)
            )
        }
        let ceiling = min(invoice.amountDue, row.initialAmount ?? row.amount ?? invoice.amountDue)
        guard amount <= ceiling else {
            let most = Money(ceiling, invoice.currency)
            let message = "\(Money(amount, invoice.currency)) is more than the \(most) that may be charged"
            return .fail(.payments("amount_raised", message, param: "amount"))
        }
        guard amount < invoice.amountDue else { return try done(amount, call, in: transaction) }
        do throws(Refusal) {
            let body = try StripeRequest.body([
                "customer": .string(customer), "invoice": .string(invoice.id),
                "currency": .string(invoice.currency), "amount": .int(amount - invoice.amountDue),
                "description": .string(call.data["description"]?.stringValue ?? "Adjustment"),
            ])
            let key = "lower-\(invoice.id)-\(invoice.amountDue)"
            return .send(StripeRequest.post("/v1/invoiceitems", body, key: key, call))
        } catch {
            return .fail(error.failure)
        }
    }

    /// Keeps what the period is to cost, which its charge is held against.
    private func done(
        _ amount: Int64,
        _ call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        let invoice = call.data["invoice"]?.stringValue ?? ""
        try ConnectionData.record(
            ["amount": .int(amount)],
            object: invoice,
            connection: call.connection.name,
            command: Self.declaration.name,
            mode: call.mode,
            in: transaction
        )
        return .succeed(["invoice": .string(invoice), "amount": .int(amount)])
    }

    /// What a period was lowered to through the connection; nil when it was not.
    static func amount(
        of invoice: String,
        connection: String,
        mode: Mode,
        in reader: any StoreReader
    ) throws(StoreError) -> Int64? {
        let query = RecordQuery(
            table: PaymentsTables.connectionData.name,
            where: [
                // All of the index's columns: without the first, every row would be read.
                ResolvedCondition("connection", equals: .string(connection)),
                ResolvedCondition("command", equals: .string(declaration.name)),
                ResolvedCondition("object", equals: .string(invoice)),
                ResolvedCondition("mode", equals: .string(mode.rawValue)),
            ],
            limit: 1
        )
        return try reader.find(query).first?["data"]?["amount"]?.intValue
    }
}
