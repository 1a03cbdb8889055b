import BuiltinFlows
import FlowLanguage
import Testing

@testable import Payments

@Suite("payments activate")
struct ActivationTests {
    private func app(_ orders: Table, callbacks: Bool = false) -> App {
        PaymentsWorld.app(orders: orders, callbacks: callbacks)
    }

    private static let paths = [
        "payment-callback", "refund-callback", "recurring-payment-callback", "recurring-charge-callback",
    ].map { "flows/\($0).yaml" }

    @Test("M4: an app without callbacks gets all four, and a second time nothing")
    func creates() throws {
        let app = app(PaymentsWorld.orders())
        let steps = PaymentsActivation.steps(for: app, files: [:])
        #expect(steps.map(\.path) == Self.paths)
        #expect(steps.allSatisfy { $0.action == .create })
        let files = Dictionary(uniqueKeysWithValues: steps.map { ($0.path, $0.text ?? "") })
        #expect(files.values.allSatisfy { $0.contains("callback-handler") })
        #expect(files["flows/payment-callback.yaml"] == BuiltinFlows.all.first?.text, "nothing to fit")
        #expect(PaymentsActivation.steps(for: app, files: files).allSatisfy { $0.action == .upToDate })
    }

    @Test("what the builder has changed stays as it is")
    func keeps() {
        let files = ["flows/payment-callback.yaml": "flow: payment-callback # mine"]
        let steps = PaymentsActivation.steps(for: app(PaymentsWorld.orders()), files: files)
        #expect(steps.map(\.action) == [.keepChanged, .create, .create, .create])
        #expect(steps.first?.text == nil)
    }

    @Test("another flow that has the trigger is left alone")
    func other() {
        let steps = PaymentsActivation.steps(for: app(PaymentsWorld.orders(), callbacks: true), files: [:])
        #expect(
            steps.map(\.action).prefix(2) == [
                .keepOther(flow: "payment-callback"), .keepOther(flow: "refund-callback"),
            ]
        )
    }

    @Test("the templates fit another order table, and write no status that it cannot hold")
    func fits() throws {
        var orders = PaymentsWorld.orders(status: ["OPEN", "PAID"])
        orders.name = "purchases"
        var app = app(orders)
        app.payments = PaymentsDeclaration(connection: "stripe", orderTable: "purchases")
        let steps = PaymentsActivation.steps(for: app, files: [:])
        let payment = try #require(steps.first?.text)
        let refund = try #require(steps.dropFirst().first?.text)
        #expect(payment.contains("table: purchases\n") && !payment.contains("table: orders"))
        #expect(payment.contains("set: { status: PAID }"))
        #expect(!refund.contains("set:") && refund.contains("write it into your table here"))
    }

    @Test("an app without payments gets nothing")
    func without() {
        var app = app(PaymentsWorld.orders())
        app.payments = nil
        #expect(PaymentsActivation.steps(for: app, files: [:]).isEmpty)
    }
}
