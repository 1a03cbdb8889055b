import Connections
package import Expressions
package import FlowLanguage

/// What the payments bring to the checker: the `stripe` service, the system tables, and what callback handlers give.
package enum PaymentsCatalogue {
    package static let services = [stripe, sendGrid, HTTPFeature.service]

    package static let tables = PaymentsTables.all

    package static let callbackOutputs: [CallbackTrigger: RecordType] = [
        .paymentCompleted: RecordType(
            name: "Payment Callback",
            fields: [
                "orderId": RecordType.Field(.int),
                "paymentId": RecordType.Field(.int),
                "paymentStatus": RecordType.Field(.string),
                "callbackProcessed": RecordType.Field(.bool),
                "callbackState": RecordType.Field(.string),
                "orderAlreadyPaid": RecordType.Field(.bool),
                "amountMatches": RecordType.Field(.bool),
                "event": RecordType.Field(.dynamic),
            ]
        ),
        .refundCompleted: RecordType(
            name: "Refund Callback",
            fields: [
                "orderId": RecordType.Field(.int),
                "paymentId": RecordType.Field(.int),
                "refundId": RecordType.Field(.int),
                "status": RecordType.Field(.string),
                "orderRefunded": RecordType.Field(.bool),
                "callbackProcessed": RecordType.Field(.bool),
                "callbackState": RecordType.Field(.string),
                "event": RecordType.Field(.dynamic),
            ]
        ),
        .recurringManaged: RecordType(
            name: "Recurring Payment Callback",
            fields: [
                "recurringPaymentId": RecordType.Field(.int),
                "orderId": RecordType.Field(.int),
                "status": RecordType.Field(.string),
                "change": RecordType.Field(.string),
                "callbackProcessed": RecordType.Field(.bool),
                "callbackState": RecordType.Field(.string),
                "event": RecordType.Field(.dynamic),
            ]
        ),
        .recurringCharged: RecordType(
            name: "Recurring Charge Callback",
            fields: [
                "recurringPaymentId": RecordType.Field(.int),
                "orderId": RecordType.Field(.int),
                "paymentId": RecordType.Field(.int),
                "status": RecordType.Field(.string),
                "amount": RecordType.Field(.int),
                "currency": RecordType.Field(.string),
                "period": RecordType.Field(period),
                "firstInvoice": RecordType.Field(.bool),
                "orderAlreadyPaid": RecordType.Field(.bool),
                "agreedAmount": RecordType.Field(.int),
                "amountMatches": RecordType.Field(.bool),
                "callbackProcessed": RecordType.Field(.bool),
                "callbackState": RecordType.Field(.string),
                "event": RecordType.Field(.dynamic),
            ]
        ),
        .recurringDue: RecordType(
            name: "Recurring Due Callback",
            fields: [
                "recurringPaymentId": RecordType.Field(.int),
                "orderId": RecordType.Field(.int),
                "invoice": RecordType.Field(.string),
                "amount": RecordType.Field(.int),
                "currency": RecordType.Field(.string),
                "period": RecordType.Field(period),
                "callbackProcessed": RecordType.Field(.bool),
                "callbackState": RecordType.Field(.string),
                "event": RecordType.Field(.dynamic),
            ]
        ),
    ]

    private static let period = ExpressionType.record(
        RecordType(
            name: "period",
            fields: ["start": RecordType.Field(.timestamp), "end": RecordType.Field(.timestamp)]
        )
    )

    /// The whole catalogue: the payments, and the service `http`.
    package static let catalogue = Catalogue(
        services: services,
        paymentTables: tables,
        callbackOutputs: callbackOutputs
    )

    /// SendGrid, which sends e-mails.
    package static let sendGrid = ServiceDeclaration(
        name: "sendgrid",
        settings: [
            ParameterDeclaration(name: "from", type: .string, isRequired: true, summary: "The sender's address")
        ],
        commands: SendEmail.Kind.allCases.map(SendEmail.declaration)
    )

    /// Stripe, with its settings and commands; the keys are secrets, never settings.
    package static let stripe = ServiceDeclaration(
        name: "stripe",
        settings: [
            ParameterDeclaration(
                name: "currency",
                type: .string,
                summary: "ISO 4217, the default of this connection's amounts; absent: the app's"
            )
        ],
        commands: [
            CreatePaymentIntent.declaration, CreatePaymentIntent.singlePayment, ConfirmPaymentIntent.declaration,
            RetrievePaymentIntent.declaration, CancelPaymentIntent.declaration, CapturePaymentIntent.declaration,
            CreateCheckoutSession.declaration, RefundPayment.declaration, RecurringPayment.declaration,
            LowerRecurringAmount.declaration, StripeCall.declaration,
        ] + StripeObjectCommand.all.map(\.declaration)
    )
}
