import FlowLanguage
import Payments
import Testing

/// An app with a flow for each way in.
enum ShopApp {
    static func compiled() throws -> App {
        let files = sources.map { SourceFile(path: $0.path, bytes: Array($0.text.utf8)) }
        let compilation = AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(files)
        return try #require(compilation.app, "\(compilation.diagnostics)")
    }

    private static let sources: [(path: String, text: String)] = [
        ("app.yaml", app), ("flows/place-order.yaml", placeOrder), ("flows/hello.yaml", hello),
        ("flows/refuse.yaml", refuse), ("flows/checkout.yaml", checkout), ("flows/ticket.yaml", ticket),
        ("flows/echo.yaml", echo), ("flows/guarded.yaml", guarded), ("flows/signed.yaml", signed),
        ("flows/nightly.yaml", nightly), ("flows/slow.yaml", slow), ("flows/pulse.yaml", pulse),
        ("flows/dispute.yaml", dispute), ("flows/verdict.yaml", verdict), ("flows/asked.yaml", asked),
        ("flows/charged.yaml", signedLike("charged", by: "stripe")),
        ("flows/letters.yaml", signedLike("letters", by: "standard-webhooks")),
        ("flows/spoiled.yaml", signedLike("spoiled", by: "standard-webhooks")),
        ("flows/rolled.yaml", signedLike("rolled", by: "hmac")),
    ]

    private static func signedLike(_ name: String, by authentication: String) -> String {
        signed.replacing("flow: signed", with: "flow: \(name)").replacing("hmac", with: authentication)
    }

    private static let app = """
        app: shop
        currency: usd
        roles: [customer, admin]

        tables:
          orders:
            columns:
              email:    { type: string }
              total:    { type: int, min: 1 }
              currency: { type: string, default: usd }
              status:   { type: string, enum: [NEW, PAID, REFUNDED, FAILED], default: NEW }
            access:
              read: [customer, admin]
              subscribe: [customer, admin]
              owner: email
          notes:
            columns:
              text: { type: string }

        events:
          shipped: { access: [customer] }
          recalled: {}

        connections:
          stripe:
            service: stripe
            access: { create-payment-intent: [customer, admin] }

        payments:
          connection: stripe
          orderTable: orders

        """

    private static let placeOrder = """
        flow: place-order
        kind: page
        access: [customer, admin]
        input:
          total: { type: int, min: 1 }
        output:
          orderId: ${ blocks.order.id }
        blocks:
          - id: order
            block: insert-record
            table: orders
            set: { email: '${ run.caller.id }', total: '${ input.total }' }

        """

    private static let hello = """
        flow: hello
        kind: page
        access: [public]
        output:
          greeting: hello
        blocks:
          - block: log
            message: somebody said hello

        """

    private static let refuse = """
        flow: refuse
        kind: page
        access: [customer]
        blocks:
          - block: fail
            error: { status: 409, code: order_closed, message: This order is closed }

        """

    private static let checkout = """
        flow: checkout
        kind: page
        access: [customer]
        input:
          orderId: { type: int }
        output:
          clientSecret: ${ blocks.intent.client_secret }
        blocks:
          - id: order
            block: find-record
            table: orders
            where: { id: '${ input.orderId }', email: '${ run.caller.id }' }
          - id: intent
            block: execute-connection-command
            connection: stripe
            command: create-payment-intent
            data:
              orderId: ${ input.orderId }
              amount: ${ blocks.order.total }
              currency: ${ blocks.order.currency }

        """

    private static let ticket = """
        flow: ticket
        kind: cloud
        trigger: { webhook: { method: POST, auth: none, eventId: trigger.body.id, answer: at-once } }
        blocks:
          - id: note
            block: insert-record
            table: notes
            set: { text: '${ trigger.body.id }' }

        """

    private static let echo = """
        flow: echo
        kind: cloud
        trigger: { webhook: { method: POST, auth: none, eventId: trigger.body.id, answer: when-finished } }
        blocks:
          - block: respond
            status: 201
            headers: { x-answer: 'yes' }
            body: { said: '${ trigger.body.text }', agent: '${ trigger.headers["user-agent"] }' }

        """

    private static let guarded = """
        flow: guarded
        kind: cloud
        trigger: { webhook: { method: GET, auth: bearer, answer: at-once } }
        blocks:
          - id: note
            block: insert-record
            table: notes
            set: { text: '${ trigger.query.word }' }

        """

    private static let signed = """
        flow: signed
        kind: cloud
        trigger: { webhook: { method: POST, auth: hmac, answer: at-once } }
        blocks:
          - id: note
            block: insert-record
            table: notes
            set: { text: '${ trigger.body.?text.orValue("none") }' }

        """

    private static let asked = """
        flow: asked
        kind: cloud
        access: [customer]
        trigger: { webhook: { method: POST, auth: bearer, eventId: trigger.body.id, answer: when-finished } }
        blocks:
          - block: respond
            body: { caller: '${ run.caller.id }' }

        """

    private static let slow = """
        flow: slow
        kind: cloud
        trigger: { webhook: { method: GET, auth: none, answer: when-finished } }
        concurrency: { limit: 1 }
        blocks:
          - block: respond
            when: has(trigger.query.word)
            body: { word: '${ trigger.query.word }' }

        """

    private static let pulse = """
        flow: pulse
        kind: cloud
        trigger: { webhook: { method: POST, auth: none, answer: chunked } }
        concurrency: { limit: 1 }
        blocks:
          - block: fail
            when: trigger.body.word == 'bad'
            error: { status: 418, code: bad_word, message: 'No.' }
          - block: respond
            body: { word: '${ trigger.body.word }' }

        """

    private static let verdict = """
        flow: verdict
        kind: cloud
        trigger: { webhook: { method: POST, auth: none, answer: when-finished } }
        blocks:
          - block: fail
            when: trigger.body.word == 'bad'
            error: { status: 418, code: bad_word, message: 'No.' }
          - block: respond
            status: 422
            headers: { x-answer: 'yes' }
            body: { code: 'too_late', message: 'Come back tomorrow.' }

        """

    private static let dispute = """
        flow: dispute
        kind: cloud
        trigger: { stripe: [customer.created, charge.dispute.created] }
        blocks:
          - id: note
            block: insert-record
            table: notes
            set: { text: '${ trigger.event.data.object.id }' }

        """

    private static let nightly = """
        flow: nightly
        kind: cloud
        trigger: { manual: true }
        input:
          text: { type: string }
        blocks:
          - id: note
            block: insert-record
            table: notes
            set: { text: '${ input.text }' }

        """
}
