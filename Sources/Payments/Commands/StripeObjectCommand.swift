import Connections
import Expressions
import FlowEngine
import FlowLanguage

/// A command that is one request and one answer, and touches no table.
struct StripeObjectCommand: Command {
    let declaration: CommandDeclaration
    let request: @Sendable (CommandCall) throws(Refusal) -> OutsideRequest
    /// What the flow gets of the object; nil when it is not the object that was asked for.
    let output: @Sendable (Value) -> ValueMap?

    func begin(_ call: CommandCall, in transaction: any StoreTransaction) throws(StoreError) -> CommandStep {
        do throws(Refusal) { return .send(try request(call)) } catch { return .fail(error.failure) }
    }

    func receive(
        _ answer: OutsideAnswer,
        to request: OutsideRequest,
        of call: CommandCall,
        in transaction: any StoreTransaction
    ) throws(StoreError) -> CommandStep {
        guard (200..<300).contains(answer.status) else { return .fail(StripeFailure.failure(from: answer)) }
        guard let object = try? JSON.parse(answer.body), let output = output(object) else {
            return .fail(
                StripeFailure.malformed(
                    answer,
                    expected: "what \(declaration.name) asks for",
                    retryable: request.method == "GET"
                )
            )
        }
        return .succeed(output)
    }

    static let all = [createCustomer, retrieveCustomer, createPaymentLink]

    // MARK: Customers

    static let createCustomer = StripeObjectCommand(
        declaration: CommandDeclaration(
            name: "create-customer",
            summary: "Makes a customer at Stripe, whose cards can be kept and charged again",
            parameters: [
                ParameterDeclaration(name: "email", type: .string, summary: "At most 512 characters"),
                ParameterDeclaration(name: "name", type: .string, summary: "At most 256 characters"),
                ParameterDeclaration(name: "phone", type: .string, summary: "At most 20 characters"),
                ParameterDeclaration(name: "description", type: .string, summary: "Shown in Stripe's dashboard"),
                ParameterDeclaration(name: "metadata", type: .map(.string, .dynamic), summary: "Texts by name"),
            ],
            output: customerType
        ),
        request: { call throws(Refusal) in
            var parameters = ValueMap()
            for (name, longest) in [("email", 512), ("name", 256), ("phone", 20), ("description", 5_000)] {
                guard let text = call.data[name]?.stringValue else { continue }
                guard text.count <= longest else {
                    throw Refusal(
                        code: "parameter_too_long",
                        message: "`\(name)` has at most \(longest) characters",
                        param: name
                    )
                }
                parameters[name] = .string(text)
            }
            if let metadata = call.data["metadata"], metadata != .null {
                parameters["metadata"] = .map(try CustomProperties.checkedMetadata(metadata))
            }
            return StripeRequest.post("/v1/customers", try StripeRequest.body(parameters), key: call.key, call)
        },
        output: customer
    )

    static let retrieveCustomer = StripeObjectCommand(
        declaration: CommandDeclaration(
            name: "retrieve-customer",
            summary: "Asks Stripe for a customer",
            parameters: [
                ParameterDeclaration(name: "customer", type: .string, isRequired: true, summary: "An id such as cus_…")
            ],
            output: customerType,
            effect: .safe
        ),
        request: { call throws(Refusal) in
            guard let id = StripeID.of(call.data["customer"], prefix: "cus_") else {
                throw Refusal(
                    code: "customer_malformed",
                    message: "`customer` is an id such as cus_…",
                    param: "customer"
                )
            }
            return StripeRequest.get("/v1/customers/\(id)", call)
        },
        output: customer
    )

    private static let customerType = RecordType(
        name: "Customer",
        fields: [
            "customer": RecordType.Field(.string), "email": RecordType.Field(.string),
            "name": RecordType.Field(.string), "deleted": RecordType.Field(.bool),
        ]
    )

    private static func customer(_ object: Value) -> ValueMap? {
        guard object["object"] == "customer", let id = StripeID.of(object["id"], prefix: "cus_") else { return nil }
        return [
            "customer": .string(id), "email": .string(object["email"]?.stringValue ?? ""),
            "name": .string(object["name"]?.stringValue ?? ""), "deleted": .bool(object["deleted"]?.boolValue ?? false),
        ]
    }

    // MARK: Payment links

    static let createPaymentLink = StripeObjectCommand(
        declaration: CommandDeclaration(
            name: "create-payment-link",
            summary: "Makes a page at Stripe where anybody can pay a price; its payments belong to no order",
            parameters: [
                ParameterDeclaration(
                    name: "priceId",
                    type: .string,
                    isRequired: true,
                    summary: "A price that is there at Stripe"
                ),
                ParameterDeclaration(name: "quantity", type: .int, summary: "1 to 999; absent: 1"),
            ],
            output: RecordType(
                name: "Payment Link",
                fields: ["paymentLink": RecordType.Field(.string), "url": RecordType.Field(.string)]
            )
        ),
        request: { call throws(Refusal) in
            guard let price = StripeID.of(call.data["priceId"], prefix: "price_") else {
                throw Refusal(code: "price_malformed", message: "`priceId` is an id such as price_…", param: "priceId")
            }
            let quantity = call.data["quantity"]?.intValue ?? 1
            guard (1...999).contains(quantity) else {
                throw Refusal(code: "quantity_malformed", message: "a quantity is 1 to 999", param: "quantity")
            }
            let items: Value = [["price": .string(price), "quantity": .int(quantity)]]
            let body = try StripeRequest.body(["line_items": items])
            return StripeRequest.post("/v1/payment_links", body, key: call.key, call)
        },
        output: { object in
            guard object["object"] == "payment_link", let id = StripeID.of(object["id"], prefix: "plink_"),
                let url = StripeID.text(object["url"])
            else { return nil }
            return ["paymentLink": .string(id), "url": .string(url)]
        }
    )
}
