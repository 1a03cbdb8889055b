import Expressions
import FlowLanguage
import Testing

/// A shop with payments: what most tests compile their flows against.
enum TestApp {
    static let app = """
        app: shop
        currency: usd
        roles: [customer]

        tables:
          orders:
            columns:
              email:    { type: string }
              total:    { type: int, min: 1 }
              currency: { type: string, default: usd }
              status:   { type: string, enum: [NEW, PAID, REFUNDED, FAILED], default: NEW }
              note:     { type: string, optional: true, maxLength: 20 }
              weight:   { type: double, default: 0 }
            access:
              read: [admin]
              subscribe: [customer, admin]
              owner: email
          seats:
            columns:
              left: { type: int }
              order: { type: int, references: orders }
        invariants:
          - tables.orders.all(o, o.total > 0)

        events:
          shipped: { access: [customer] }

        connections:
          stripe:
            service: stripe
            access: { refund: [admin], create-payment-intent: [customer, admin] }
          mail: { service: sendgrid, from: shop@example.com }
          stock: { service: http, url: 'https://stock.example.com', access: { request: [customer] } }
          any: { service: http, allow: [example.com] }

        payments:
          connection: stripe
          orderTable: orders
          widgets:
            donation: { amount: 500 }

        """

    static let checkout = """
        flow: checkout
        kind: page
        title: Start the card payment of an order
        access: [customer, admin]
        input:
          orderId: { type: int }
        output:
          clientSecret:   ${ blocks.intent.client_secret }
          publishableKey: ${ blocks.intent.publishable_key }
        blocks:
          - id: order
            block: find-record
            table: orders
            where: { id: '${ input.orderId }', email: '${ run.caller.id }' }
            fail:
              - block: fail
                error: { status: 404, code: order_not_found, message: 'No order ${ input.orderId }' }

          - id: open
            block: conditional-branch
            branches:
              - when: blocks.order.status != 'NEW'
                do:
                  - block: fail
                    error: { status: 409, code: order_closed, message: This order is already paid or refunded }

          - id: intent
            block: execute-connection-command
            connection: stripe
            command: create-payment-intent
            data:
              orderId: ${ input.orderId }
              amount: ${ blocks.order.total }
              currency: ${ blocks.order.currency }
              customProps: { receipt_email: '${ blocks.order.email }' }

        """

    static let paymentCallback = """
        flow: payment-callback
        kind: cloud
        trigger: { payment: completed }    # Stripe told us, verified, de-duplicated, in order
        blocks:
          - id: handler
            block: callback-handler
          - id: outcome
            block: conditional-branch
            branches:
              - when: blocks.handler.paymentStatus == 'SUCCEEDED' && !blocks.handler.callbackProcessed
                do:
                  - id: markPaid           # ── your business logic starts here ──
                    block: update-record
                    table: orders
                    where: { id: '${ blocks.handler.orderId }' }
                    set:   { status: PAID }
              - else:
                do:
                  - block: log
                    message: 'order ${ blocks.handler.orderId }: ${ blocks.handler.paymentStatus }'

        """

    static let catalogue = Catalogue(
        services: [
            ServiceDeclaration(
                name: "stripe",
                settings: [ParameterDeclaration(name: "currency", type: .string)],
                commands: [
                    CommandDeclaration(
                        name: "create-payment-intent",
                        summary: "Begins a payment.",
                        parameters: [
                            ParameterDeclaration(name: "orderId", type: .int, isRequired: true),
                            ParameterDeclaration(name: "amount", type: .int, isRequired: true),
                            ParameterDeclaration(name: "currency", type: .string),
                            ParameterDeclaration(
                                name: "captureMethod",
                                type: .string,
                                allowed: ["automatic", "manual"]
                            ),
                            ParameterDeclaration(name: "customProps", type: .map(.string, .dynamic)),
                        ],
                        output: record("intent", ["client_secret": .string, "publishable_key": .string]),
                        needsPayments: true
                    ),
                    CommandDeclaration(
                        name: "refund",
                        summary: "Pays back.",
                        parameters: [
                            ParameterDeclaration(name: "paymentId", type: .int, isRequired: true),
                            ParameterDeclaration(name: "amount", type: .int),
                        ],
                        output: record("refund", ["refundId": .int]),
                        needsPayments: true,
                        risk: "pay money out"
                    ),
                ]
            ),
            ServiceDeclaration(
                name: "sendgrid",
                settings: [ParameterDeclaration(name: "from", type: .string, isRequired: true)],
                commands: []
            ),
            ServiceDeclaration(
                name: "http",
                settings: [
                    ParameterDeclaration(name: "url", type: .string),
                    ParameterDeclaration(name: "auth", type: .map(.string, .string)),
                    ParameterDeclaration(name: "allow", type: .list(.string)),
                    ParameterDeclaration(name: "timeout", type: .string),
                    ParameterDeclaration(name: "maxBytes", type: .int),
                ],
                commands: [
                    CommandDeclaration(name: "request", summary: "Asks.", parameters: [], output: record("answer", [:]))
                ]
            ),
        ],
        paymentTables: [
            Table(
                name: "payments",
                columns: [
                    Column(name: "orderId", type: .int), Column(name: "amount", type: .int),
                    Column(name: "status", type: .string, allowed: ["CREATED", "SUCCEEDED"]),
                ],
                isSystem: true
            )
        ],
        callbackOutputs: [
            .paymentCompleted: record(
                "callback",
                ["orderId": .int, "paymentId": .int, "paymentStatus": .string, "callbackProcessed": .bool]
            ),
            .refundCompleted: record("callback", ["orderId": .int, "status": .string, "callbackProcessed": .bool]),
        ]
    )

    private static func record(_ name: String, _ fields: [String: ExpressionType]) -> RecordType {
        RecordType(name: name, fields: fields.mapValues { RecordType.Field($0) })
    }

    static func file(_ path: String, _ text: String) -> SourceFile { SourceFile(path: path, bytes: Array(text.utf8)) }

    static func compile(flow text: String, app: String = app) -> AppCompilation {
        AppCompiler(catalogue: catalogue).compile([file("app.yaml", app), file("flows/test.yaml", text)])
    }

    /// The only flow of an app that must compile without an error.
    static func graph(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> FlowGraph {
        let compilation = compile(flow: text)
        #expect(compilation.diagnostics.filter { $0.severity == .error } == [], sourceLocation: sourceLocation)
        let app = try #require(compilation.app, sourceLocation: sourceLocation)
        // Beside the flow of the text there is the one of the app's widget.
        return try #require(
            app.flows.values.first { !$0.name.hasPrefix("widget-") },
            sourceLocation: sourceLocation
        )
    }
}

/// A finding a test expects: where, which, and what its notes or message must say.
struct ExpectedFinding: Sendable {
    var mark: String
    var code: String
    var saying: String?

    init(_ mark: String, _ code: String, saying: String? = nil) {
        self.mark = mark
        self.code = code
        self.saying = saying
    }
}

/// Compiles an app with one marked file in it and fails on every difference between what was found and what is named.
func expectDiagnostics(
    flow: String? = nil,
    app: String? = nil,
    _ expected: [ExpectedFinding],
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let marked = MarkedText(flow ?? app ?? "")
    let path = flow == nil ? "app.yaml" : "flows/test.yaml"
    var files = [TestApp.file("app.yaml", flow == nil ? marked.text : TestApp.app)]
    if flow != nil { files.append(TestApp.file(path, marked.text)) }
    let compilation = AppCompiler(catalogue: TestApp.catalogue).compile(files)
    var left = compilation.diagnostics
    for finding in expected {
        let found = left.firstIndex {
            $0.code == finding.code && $0.range.file == path && $0.range.start.offset == marked.offsets[finding.mark]
        }
        guard let found else {
            Issue.record(
                "\(finding.code) is not found at \(finding.mark)\n\(DiagnosticRenderer.render(left, sources: files))",
                sourceLocation: sourceLocation
            )
            continue
        }
        let diagnostic = left.remove(at: found)
        if let saying = finding.saying {
            let said = ([diagnostic.message] + diagnostic.notes).joined(separator: "\n")
            #expect(said.contains(saying), sourceLocation: sourceLocation)
        }
        let rendered = DiagnosticRenderer.render([diagnostic], sources: files)
        let start = diagnostic.range.start
        let head = "\(path):\(start.line):\(start.column): \(diagnostic.severity.rawValue)[\(diagnostic.code)]: "
        #expect(rendered.hasPrefix(head), sourceLocation: sourceLocation)
        #expect(rendered.contains("^"), sourceLocation: sourceLocation)
        #expect(FindingExplanations.explain(diagnostic.code) != nil, sourceLocation: sourceLocation)
    }
    if !left.isEmpty {
        Issue.record(
            "not named by the test:\n\(DiagnosticRenderer.render(left, sources: files))",
            sourceLocation: sourceLocation
        )
    }
    #expect((compilation.app == nil) == compilation.hasErrors, sourceLocation: sourceLocation)
}
