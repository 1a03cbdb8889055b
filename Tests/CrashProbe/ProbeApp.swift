import FlowLanguage
import Payments

/// The app of the crash matrix: a flow for each kind of block.
enum ProbeApp {
    static func compiled() throws -> App {
        var files = [
            ("app.yaml", declaration), ("flows/child.yaml", child), ("flows/code-child.yaml", codeChild),
            ("flows/payment-callback.yaml", callback),
        ]
        for kind in BlockKind.all + [.once] { files.append(("flows/\(kind.name).yaml", kind.flow)) }
        let sources = files.map { SourceFile(path: $0.0, bytes: Array($0.1.utf8)) }
        let compilation = AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(sources)
        let errors = compilation.diagnostics.filter { $0.severity == .error }
        guard errors.isEmpty, let app = compilation.app else {
            let text = errors.map { "\($0.range.file):\($0.range.start.line): \($0.code) \($0.message)" }
            throw ProbeFailure(text.joined(separator: "\n"))
        }
        return app
    }

    private static let declaration = """
        app: probe
        currency: usd
        roles: [customer]
        tables:
          orders:
            columns:
              name:   { type: string, unique: true }
              total:  { type: int, min: 1 }
              status: { type: string, enum: [NEW, PAID, REFUNDED], default: NEW }
          lines:
            columns:
              text: { type: string }
          counters:
            columns:
              name:  { type: string, unique: true }
              value: { type: int, default: 0 }
        connections:
          stripe: { service: stripe, access: { create-payment-intent: [customer] } }
          other: { service: http, url: 'https://other.example.com', auth: { bearer: other.token }, access: { request: [customer] } }
        events:
          shipped: { access: [customer] }
          never: { access: [customer] }
        payments: { connection: stripe, orderTable: orders }

        """

    private static let child = """
        flow: child
        kind: page
        access: [customer]
        input: { text: { type: string } }
        output: { id: '${ blocks.line.id }' }
        blocks:
          - id: line
            block: insert-record
            table: lines
            set: { text: '${ input.text }' }

        """

    private static let callback = """
        flow: payment-callback
        kind: cloud
        trigger: { payment: completed }
        blocks:
          - id: handler
            block: callback-handler
          - block: conditional-branch
            branches:
              - when: blocks.handler.paymentStatus == 'SUCCEEDED' && !blocks.handler.callbackProcessed
                do:
                  - id: markPaid
                    block: update-record
                    table: orders
                    where: { id: '${ blocks.handler.orderId }' }
                    set: { status: PAID }
                    expect: 1

        """

    private static let codeChild = """
        flow: code-child
        kind: cloud
        trigger: { manual: true }
        input: { run: { type: int } }
        blocks:
          - id: code
            block: custom-code
            args: { run: '${ input.run }' }
            code: |
              const intent = await stripe.paymentIntents.create({
                amount: 900, currency: 'usd', metadata: { run: 'run ' + args.run },
              });
              await records.insert('lines', { text: 'paid ' + intent.amount + ' by ' + args.run });

        """
}

/// Why the probe could not do what it was asked.
struct ProbeFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
