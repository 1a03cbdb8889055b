import BuiltinFlows
import Expressions
import FlowEngine
import FlowLanguage
import Testing

@testable import Payments

@Suite("payments activate, again")
struct MergeTests {
    private static let path = "flows/payment-callback.yaml"

    private func step(mine: String, base: String?) throws -> PaymentsActivation.Step {
        let app = PaymentsWorld.app(callbacks: false)
        let bases = base.map { [Self.path: $0] } ?? [:]
        return try #require(PaymentsActivation.steps(for: app, files: [Self.path: mine], bases: bases).first)
    }

    private var template: String { BuiltinFlows.all.first?.text ?? "" }

    /// The builder's own block, where the template says that it belongs.
    private func extended(_ text: String) -> String {
        text.replacing(
            "            set: { status: PAID }\n",
            with:
                "            set: { status: PAID }\n          - block: log\n            message: a mug is on its way\n"
        )
    }

    @Test("a template that changed is merged into what the builder made of the former one, and keeps every block of it")
    func merges() throws {
        let former = template.replacing("title: What follows when a payment is completed", with: "title: Old words")
        let step = try step(mine: extended(former), base: former)
        #expect(step.action == .merge)
        #expect(step.text == extended(template))
        #expect(step.base == template)
        let again = try self.step(mine: extended(template), base: template)
        #expect(again.action == .keepChanged && again.text == nil, "the template is the same as before")
    }

    @Test("where both changed the same lines, the builder's file stays, and the line is told")
    func conflicts() throws {
        let former = template.replacing("set: { status: PAID }", with: "set: { status: SOLD }")
        let mine = former.replacing("set: { status: SOLD }", with: "set: { status: MINE }")
        let step = try step(mine: mine, base: former)
        let line = try #require(
            mine.split(separator: "\n", omittingEmptySubsequences: false).firstIndex {
                $0.contains("MINE")
            }
        )
        #expect(step.action == .conflict(lines: [line + 1]))
        #expect(step.text == nil && step.base == nil)
    }

    @Test("a file that nobody changed is brought up to date; one of unknown origin is left")
    func upgrades() throws {
        let former = "flow: payment-callback # as it was\n"
        #expect(try step(mine: former, base: former).action == .upgrade)
        #expect(try step(mine: former, base: nil).action == .keepChanged)
        #expect(try step(mine: template, base: nil).base == template, "from now on its origin is known")
    }

    @Test(
        "lines are merged region by region",
        arguments: [
            ("a\nb\nc", "a\nb\nc", "a\nB\nc", "a\nB\nc", 0),
            ("a\nb\nc", "x\na\nb\nc", "a\nb\nc\ny", "x\na\nb\nc\ny", 0),
            ("a\nb\nc", "a\nc", "a\nb\nC", "a\nC", 1), ("a\nb\nc\nd", "a\nd", "a\nb\nc\nd\ne", "a\nd\ne", 0),
            ("a\nb", "a\nx", "a\nx", "a\nx", 0), ("", "a", "", "a", 0), ("a\nb\nc", "a\n1\nc", "a\n2\nc", "a\n1\nc", 1),
        ]
    )
    func lines(base: String, mine: String, theirs: String, merged: String, conflicts: Int) {
        let merge = TextMerge(base: base, mine: mine, theirs: theirs)
        #expect(merge.conflicts.count == conflicts)
        if conflicts == 0 { #expect(merge.text == merged) }
    }

    /// Goal: nothing that only one side did is lost.
    ///
    /// Method: the two sides insert lines at random places of a text of distinct lines, never at the same place.
    @Test("in 500 seeded merges each side's lines are all there, in order, and no conflict is made up")
    func seeded() {
        var random = SplitMix(seed: 5)
        for _ in 0..<500 {
            let base = (0..<20).map { "line \($0)" }
            var mine = base
            var theirs = base
            for place in (0..<10).reversed() {
                let at = place * 2
                switch random.next() % 3 {
                case 0: mine.insert("mine \(place)", at: at + 1)
                case 1: theirs.insert("theirs \(place)", at: at + 1)
                default: break
                }
            }
            let merge = TextMerge(
                base: base.joined(separator: "\n"),
                mine: mine.joined(separator: "\n"),
                theirs: theirs.joined(separator: "\n")
            )
            #expect(merge.conflicts.isEmpty)
            let lines = merge.text.split(separator: "\n").map(String.init)
            #expect(lines.filter { !$0.hasPrefix("theirs") } == mine)
            #expect(lines.filter { !$0.hasPrefix("mine") } == theirs)
        }
    }

    // MARK: The section and the binding

    @Test("payments: is taken out of app.yaml and put back, and nothing else moves")
    func section() throws {
        let text = """
            app: shop
            payments:                # on
              connection: stripe

              orderTable: orders
            # the rest
            roles: [customer]

            """
        let (rest, section) = try #require(PaymentsSection.removed(from: text))
        #expect(rest == "app: shop\n\n# the rest\nroles: [customer]\n")
        #expect(section == "payments:                # on\n  connection: stripe\n\n  orderTable: orders\n")
        #expect(PaymentsSection.added(to: rest, section: section).hasSuffix("\n\n" + section))
        #expect(PaymentsSection.removed(from: "app: shop\nx:\n  payments: 1\n") == nil)
        let written = PaymentsSection.added(to: "app: shop", connection: "stripe", orderTable: "orders")
        #expect(written == "app: shop\n\npayments:\n  connection: stripe\n  orderTable: orders\n")
    }

    @Test("E15: the order table is bound by the first payment, and moved with all its payments or not at all")
    func binding() throws {
        let world = try PaymentsWorld()
        let stripe = StripeDouble()
        for _ in 1...2 { _ = try world.openPayment(stripe: stripe) }
        var other = world.app
        other.payments = PaymentsDeclaration(connection: "stripe", orderTable: "purchases")
        try world.write { transaction throws(StoreError) in
            let binding = PaymentsBinding(transaction)
            #expect(try binding.confirm(world.app) == nil)
            #expect(try binding.confirm(other) == "orders")
            // The orders' own numbers, crossed over: order 1 is row 2 there.
            #expect(try binding.move(to: "orders", by: "total") == .unmatched([1, 2]))
            for (id, total) in [(1, 2), (2, 1)] as [(Int64, Int64)] {
                _ = try transaction.update(
                    RecordUpdate(
                        table: "orders",
                        where: [ResolvedCondition("id", equals: .int(id))],
                        set: [ResolvedAssignment("total", .int(total))]
                    )
                )
            }
            #expect(try binding.move(to: "orders", by: "total") == .moved(rows: 2))
        }
        #expect(try world.rows("payments").map { $0["orderId"] } == [2, 1])
    }
}
