import FlowLanguage
import Payments

/// What is measured: one flow of ten durable record blocks, and a shop that takes Stripe's events.
enum BenchmarkApp {
    static func compiled() throws -> App {
        let files = [
            ("app.yaml", app), ("flows/ten.yaml", ten), ("flows/payment-callback.yaml", callback),
            ("flows/parked.yaml", parked), ("flows/fibonacci.yaml", fibonacci),
        ]
        let sources = files.map { SourceFile(path: $0.0, bytes: Array($0.1.utf8)) }
        let compilation = AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(sources)
        guard let app = compilation.app else {
            let findings = compilation.diagnostics.map { "\($0.range.start.line): \($0.code) \($0.message)" }
            throw BenchmarkFailure("the benchmark's app: \(findings.joined(separator: "; "))")
        }
        return app
    }

    private static let app = """
        app: bench
        currency: usd
        roles: [customer]
        tables:
          orders:
            columns:
              email:    { type: string, maxLength: 254 }
              total:    { type: int, min: 1 }
              currency: { type: string, default: usd }
              seats:    { type: int, default: 0 }
              status:   { type: string, enum: [NEW, PAID, REFUNDED, FAILED], default: NEW }
          lines:
            columns:
              order:    { type: int, references: orders }
              text:     { type: string, maxLength: 200 }
              quantity: { type: int, min: 1 }
        connections:
          stripe: { service: stripe }
        payments:
          connection: stripe
          orderTable: orders

        """

    /// Three inserts, five updates and two reads, each with its journal entry.
    private static let ten = """
        flow: ten
        kind: page
        access: [customer]
        input:
          email: { type: string }
          total: { type: int, min: 1 }
        output:
          orderId: ${ blocks.order.id }
          status: ${ blocks.after.status }
        blocks:
          - id: order
            block: insert-record
            table: orders
            set: { email: '${ input.email }', total: '${ input.total }' }
          - id: first
            block: insert-record
            table: lines
            set: { order: '${ blocks.order.id }', text: 'first of ${ blocks.order.id }', quantity: 1 }
          - id: second
            block: insert-record
            table: lines
            set: { order: '${ blocks.order.id }', text: second, quantity: '${ input.total }' }
          - id: seats
            block: update-record
            table: orders
            where: { id: '${ blocks.order.id }' }
            set: { seats: '${ record.seats + 2 }' }
            expect: 1
          - id: before
            block: find-record
            table: orders
            where: { id: '${ blocks.order.id }' }
          - id: more
            block: update-record
            table: lines
            where: { id: '${ blocks.first.id }' }
            set: { quantity: '${ blocks.before.seats + 1 }' }
          - id: text
            block: update-record
            table: lines
            where: { id: '${ blocks.second.id }' }
            set: { text: 'second of ${ blocks.order.id }' }
          - id: price
            block: update-record
            table: orders
            where: { id: '${ blocks.order.id }' }
            set: { total: '${ blocks.before.total * 2 }' }
          - id: paid
            block: update-record
            table: orders
            where: { id: '${ blocks.order.id }', status: NEW }
            set: { status: PAID }
            expect: 1
          - id: after
            block: find-record
            table: orders
            where: { id: '${ blocks.order.id }' }

        """

    private static let parked = """
        flow: parked
        kind: cloud
        trigger: { manual: true }
        input: { order: { type: int } }
        blocks:
          - id: pause
            block: wait
            for: 1h
          - id: order
            block: insert-record
            table: orders
            set: { email: parked@example.com, total: '${ input.order + 1 }' }

        """

    private static let fibonacci = """
        flow: fibonacci
        kind: page
        access: [customer]
        input:
          steps: { type: int }
          number: { type: int }
        output:
          count: ${ vars.count }
        blocks:
          - block: set-variables
            set: { count: 0 }
          - id: all
            block: while
            while: vars.count < input.steps
            max: 100
            do:
              - id: step
                block: custom-code
                args: { n: '${ input.number }' }
                code: |
                  const fibonacci = (n) => (n <= 1 ? n : fibonacci(n - 1) + fibonacci(n - 2));
                  return fibonacci(args.n);
              - block: set-variables
                set: { count: '${ vars.count + 1 }' }

        """

    private static let callback = """
        flow: payment-callback
        kind: cloud
        trigger: { payment: completed }
        blocks:
          - id: handler
            block: callback-handler
          - id: outcome
            block: conditional-branch
            branches:
              - when: blocks.handler.paymentStatus == 'SUCCEEDED' && !blocks.handler.callbackProcessed
                do:
                  - id: markPaid
                    block: update-record
                    table: orders
                    where: { id: '${ blocks.handler.orderId }' }
                    set: { status: PAID }

        """
}

/// Why nothing could be measured.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
