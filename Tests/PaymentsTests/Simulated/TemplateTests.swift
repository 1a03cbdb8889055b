import Expressions
import FlowEngine
import FlowLanguage
import Payments
import TestSupport
import Testing

/// The flows that `payments activate` writes, as it writes them, against the simulator.
@Suite("The callback templates, offline")
struct TemplateTests {
    private static let app = """
        app: desk
        currency: usd
        roles: [customer]
        tables:
          orders:
            columns:
              total:    { type: int, min: 1 }
              currency: { type: string, default: usd }
              status:   { type: string, enum: [NEW, PAID, REFUNDED], default: NEW }
        connections:
          stripe: { service: stripe }
        payments: { connection: stripe, orderTable: orders }
        """

    private static func page(_ name: String, _ command: String, _ input: String, _ data: String) -> String {
        """
        flow: \(name)
        kind: page
        input: { \(input) }
        output: { result: '${ blocks.it }' }
        blocks:
          - id: it
            block: execute-connection-command
            connection: stripe
            command: \(command)
            data: { \(data) }
        """
    }

    private static let flows = [
        """
        flow: order
        kind: page
        input: { total: { type: int } }
        output: { id: '${ blocks.row.id }' }
        blocks:
          - { id: row, block: insert-record, table: orders, set: { total: '${ input.total }' } }
        """,
        page(
            "pay",
            "create-payment-intent",
            "amount: { type: int }",
            "orderId: 1, amount: '${ input.amount }', partial: true"
        ),
        page("give-back", "refund", "payment: { type: int }", "paymentId: '${ input.payment }'"),
        page(
            "subscribe",
            "recurring-payment",
            "price: { type: string }, days: { type: int, optional: true }",
            "type: initiate, orderId: 1, priceId: '${ input.price }', trialDays: '${ input.days }'"
        ),
    ]

    /// Another way than a block of its own in which a further period's callback makes its order.
    struct Making: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var block: String
        var flow: String?
    }

    private static let makings = [
        Making(
            testDescription: "in a branch",
            block: """
                          - id: both
                            block: parallel
                            branches:
                              made:
                                - id: row
                                  block: insert-record
                                  table: orders
                                  set: { total: '${ blocks.handler.amount }', status: PAID }
                              told:
                                - { block: log, message: a further period }
                """
        ),
        Making(
            testDescription: "in a flow of its own",
            block: """
                          - id: made
                            block: run-flow
                            flow: make-order
                            input: { total: '${ blocks.handler.amount }' }
                """,
            flow: """
                flow: make-order
                kind: cloud
                trigger: { manual: true }
                input: { total: { type: int } }
                blocks:
                  - { id: row, block: insert-record, table: orders, set: { total: '${ input.total }', status: PAID } }
                """
        ),
    ]

    /// A builder's own block before the order is marked paid.
    private static let pause = "          - { id: pause, block: wait, for: 1h }\n"

    /// The template's text with what a builder made of it.
    private static func text(_ template: String, _ making: Making?, isPausing: Bool) -> String {
        if isPausing, let place = template.firstRange(of: "          - id: payment\n") {
            return template[..<place.lowerBound] + pause + template[place.lowerBound...]
        }
        guard let making, let start = template.firstRange(of: "          - id: newOrder") else { return template }
        return template[..<start.lowerBound] + making.block
    }

    private static func with(
        making: Making? = nil,
        isPausing: Bool = false,
        _ body: (SimulatedWorld) async throws -> Void
    ) async throws {
        let compiler = AppCompiler(catalogue: PaymentsCatalogue.catalogue)
        var sources = [SourceFile(path: "app.yaml", bytes: Array(app.utf8))]
        for (number, flow) in flows.enumerated() {
            sources.append(SourceFile(path: "flows/page\(number).yaml", bytes: Array(flow.utf8)))
        }
        let bare = compiler.compile(sources)
        #expect(bare.diagnostics.map(\.message) == [])
        for step in PaymentsActivation.steps(for: try #require(bare.app), files: [:]) {
            let text = text(try #require(step.text), making, isPausing: isPausing)
            sources.append(SourceFile(path: step.path, bytes: Array(text.utf8)))
        }
        if let flow = making?.flow { sources.append(SourceFile(path: "flows/made.yaml", bytes: Array(flow.utf8))) }
        let compilation = compiler.compile(sources)
        #expect(compilation.diagnostics.map { "\($0.range.file):\($0.range.start.line): \($0.message)" } == [])
        try await SimulatedWorld.with(try #require(compilation.app)) { world in
            try await call("order", ["total": 1000], world)
            try await body(world)
        }
    }

    @discardableResult
    private static func call(_ flow: String, _ input: Value, _ world: SimulatedWorld) async throws -> Value {
        let answer = try await world.page(flow, input, as: SimulatedWorld.admin)
        #expect(answer.status == 200, "\(flow): \(answer.body)")
        return answer.body["result"] ?? answer.body
    }

    private static func pay(_ amount: Int64, card: String = "pm_card_visa", _ world: SimulatedWorld) async throws {
        let intent = try await call("pay", ["amount": .int(amount)], world)
        try world.stripe.confirm(try #require(intent["client_secret"]?.stringValue), card: card)
        try await world.deliver()
    }

    /// Starts the order's recurring payment, and gives its first invoice's card.
    private static func subscribe(trialDays: Int64?, _ world: SimulatedWorld) async throws {
        let product = try world.stripe.call("POST", "/v1/products", "name=Paper")["id"]?.stringValue ?? ""
        let price = try world.stripe.call(
            "POST",
            "/v1/prices",
            "product=\(product)&unit_amount=1000&currency=usd&recurring[interval]=month"
        )
        var input: ValueMap = ["price": price["id"] ?? .null]
        if let trialDays { input["days"] = .int(trialDays) }
        let started = try await call("subscribe", .map(input), world)
        try world.stripe.confirm(try #require(started["client_secret"]?.stringValue), card: "pm_card_visa")
        try await world.deliver()
        try await world.advance(hours: 1)
    }

    private static func giveBack(_ payment: Int64, _ world: SimulatedWorld) async throws {
        try await call("give-back", ["payment": .int(payment)], world)
        try await world.deliver()
    }

    @Test("an order is paid by the last of its parts, given back with the last of them, and paid again when one fails")
    func parts() async throws {
        try await Self.with { world in
            try await Self.pay(400, world)
            #expect(try await world.column("status", of: "orders") == ["NEW"])
            try await Self.pay(600, card: "pm_card_refundFail", world)
            #expect(try await world.column("status", of: "orders") == ["PAID"])
            try await Self.giveBack(1, world)
            #expect(try await world.column("status", of: "orders") == ["PAID"], "600 are still here")
            try await Self.giveBack(2, world)
            #expect(try await world.column("status", of: "orders") == ["REFUNDED"])
            try await world.advance(days: 20)
            #expect(try await world.column("status", of: "refunds") == ["REFUNDED", "FAILED"])
            #expect(try await world.column("status", of: "orders") == ["PAID"])
        }
    }

    /// Goal: no order is sent out whose payment went back while the builder's own blocks waited.
    @Test("an order whose payment is given back while its callback waits ends as given back")
    func givenBackMeanwhile() async throws {
        try await Self.with(isPausing: true) { world in
            let intent = try await Self.call("pay", ["amount": 1000], world)
            try world.stripe.confirm(try #require(intent["client_secret"]?.stringValue), card: "pm_card_visa")
            let waiting = try await world.accept()
            try await Self.giveBack(1, world)
            #expect(try await world.column("status", of: "orders") == ["REFUNDED"])
            world.clock.advance(by: .seconds(3_600))
            try await world.finish(waiting)
            #expect(try await world.column("status", of: "orders") == ["REFUNDED"])
        }
    }

    @Test("what a further period cost is given back to the order that it made, not to the first one")
    func renewal() async throws {
        try await Self.with { world in
            try await Self.subscribe(trialDays: nil, world)
            try await world.advance(days: 32)
            #expect(try await world.column("status", of: "orders") == ["PAID", "PAID"])
            #expect(try await world.column("orderId", of: "payments") == [1, 2])
            try await Self.giveBack(2, world)
            #expect(try await world.column("status", of: "orders") == ["PAID", "REFUNDED"])
            try await Self.giveBack(1, world)
            #expect(try await world.column("status", of: "orders") == ["REFUNDED", "REFUNDED"])
        }
    }

    @Test(
        "an order that a further period's callback made elsewhere than in a block of its own is its too",
        arguments: makings
    )
    func madeElsewhere(making: Making) async throws {
        try await Self.with(making: making) { world in
            try await Self.subscribe(trialDays: nil, world)
            try await world.advance(days: 32)
            #expect(try await world.column("orderId", of: "payments") == [1, 2])
            try await Self.giveBack(2, world)
            #expect(try await world.column("status", of: "orders") == ["PAID", "REFUNDED"])
        }
    }

    @Test("a trial that costs nothing pays no order; the first charge after it makes one")
    func trial() async throws {
        try await Self.with { world in
            try await Self.subscribe(trialDays: 14, world)
            #expect(try await world.column("status", of: "orders") == ["NEW"])
            try await world.advance(days: 15)
            #expect(try await world.column("status", of: "orders") == ["NEW", "PAID"])
            try await Self.giveBack(1, world)
            #expect(try await world.column("status", of: "orders") == ["NEW", "REFUNDED"])
        }
    }
}
