import Expressions
import FlowLanguage
import Foundation
import Payments
import Testing

@testable import runnel

/// Every page flow of the samples, called by every kind of caller, at an object of Ann's: the built command, real HTTP.
///
/// `FlowServerTests.AccessMatrixTests` does it for the routes. Here the flows come from the samples themselves, and what
/// must be answered follows from their `access:`; a page flow that the matrix has no call for fails it.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SampleAccessTests {
    enum Who: String, CaseIterable {
        case nobody, forged, ann, bob, boss
    }

    /// One call of a flow as it should be.
    private struct Call {
        /// Made anew for each call that may succeed: an order that is to be paid is not paid yet.
        var input: (Stage) async throws -> Value
        /// Only Ann's own: to everybody else, admins too, it is as if it were not there.
        var isAnns = false

        init(_ input: Value) { self.input = { _ in input } }

        init(isAnns: Bool = false, _ input: @escaping (Stage) async throws -> Value) {
            self.input = input
            self.isAnns = isAnns
        }
    }

    /// A sample that is served, and what Ann has there.
    private struct Stage {
        let world: DemoWorld
        let tokens: [Who: String]
        var client: DemoClient { world.client }

        func call(_ flow: String, _ input: Value, as who: Who) async throws -> DemoClient.Answer {
            try await client.page(flow, input, token: tokens[who])
        }

        func must(_ flow: String, _ input: Value, as who: Who) async throws -> Value {
            let answer = try await call(flow, input, as: who)
            try #require(answer.status == 200, "\(flow): \(answer.body)")
            return answer.body
        }

        func order() async throws -> Value {
            try await must("place-order", ["product": 1], as: .ann)["orderId"] ?? .null
        }

        /// A payment that has succeeded: what the page got for it, and its order.
        func paid() async throws -> (checkout: Value, order: Value) {
            let order = try await order()
            let checkout = try await must("checkout", ["orderId": order], as: .ann)
            _ = try await client.pay(checkout, card: "pm_card_visa")
            try await settle(checkout["paymentId"]?.intValue ?? 0)
            return (checkout, order)
        }

        func settle(_ payment: Int64) async throws {
            let status = try await client.settled(on: "SUCCEEDED") {
                try await client.row("payments", payment)["status"]?.stringValue
            }
            #expect(status == "SUCCEEDED")
        }

        func price() async throws -> Value {
            let product = try await client.stripe("POST", "/v1/products", form: "name=Paper")["id"]?.stringValue ?? ""
            let form = "product=\(product)&currency=usd&unit_amount=900&recurring[interval]=month"
            return try await client.stripe("POST", "/v1/prices", form: form)["id"] ?? .null
        }

        /// What would show that a refused call did something: how many rows there are, and what Stripe was asked to make.
        func traces(_ app: App) async throws -> [String] {
            var traces: [String] = []
            for table in app.tables where !table.isSystem || ["payments", "refunds"].contains(table.name) {
                let rows = try await client.get("/tables/\(table.name)?limit=100").body["count"] ?? .null
                traces.append("\(rows) \(table.name)")
            }
            for kind in ["payment_intents", "refunds", "subscriptions"] {
                let made = try await client.stripe("GET", "/v1/\(kind)?limit=100")["data"]?.listValue ?? []
                traces.append("\(kind) \(made.compactMap { $0["id"]?.stringValue })")
            }
            return traces
        }
    }

    private static var shop: [String: Call] {
        [
            "add-product": Call(["name": "Tea", "price": 850]),
            "place-order": Call(["product": 1, "quantity": 2]),
            "buy": Call(["product": 1, "email": "cat@example.com"]),
            "checkout": Call(isAnns: true) { ["orderId": try await $0.order()] },
            "confirm": Call { stage in
                let secret = try await stage.paid().checkout["clientSecret"]?.stringValue ?? ""
                let intent = secret.prefix(upTo: secret.range(of: "_secret_")?.lowerBound ?? secret.startIndex)
                return ["paymentIntent": .string(String(intent)), "clientSecret": .string(secret)]
            },
            "refund-order": Call { ["orderId": try await $0.paid().order] },
        ]
    }

    private static var subscriptions: [String: Call] {
        [
            "add-plan": Call { ["name": "Ink", "price": 900, "priceId": try await $0.price()] },
            "subscribe": Call(["plan": 1]),
            "join": Call(["plan": 1, "email": "cat@example.com"]),
            "unsubscribe": Call(isAnns: true) {
                ["orderId": try await $0.must("subscribe", ["plan": 1], as: .ann)["orderId"] ?? .null]
            },
        ]
    }

    private static var donations: [String: Call] {
        [
            "donate": Call(["amount": "5.00", "email": "cat@example.com"]),
            "give-back": Call { stage in
                let given = try await stage.must("donate", ["amount": "5.00", "email": "cat@example.com"], as: .nobody)
                _ = try await stage.client.pay(given, card: "pm_card_visa")
                let payments = try await stage.client.get("/tables/payments?limit=100").body["items"]?.listValue ?? []
                let payment = payments.first { $0["orderId"] == given["donationId"] }
                try await stage.settle(payment?["id"]?.intValue ?? 0)
                return ["donationId": given["donationId"] ?? .null]
            },
            "widget-donation": Call([:]), "widget-donation-jpy": Call([:]), "widget-donation-kwd": Call([:]),
        ]
    }

    /// The status that must be answered: by the flow's own declaration, and by whose the object is.
    private static func expected(_ access: [String], _ call: Call, _ who: Who, isAdminAlone: Bool) -> Int {
        var roles: Set<String> = ["public"]
        switch who {
        case .nobody: break
        case .forged: return 401
        case .ann, .bob: roles.insert(isAdminAlone ? "admin" : "customer")
        case .boss: roles.insert("admin")
        }
        guard !roles.isDisjoint(with: access) || roles.contains("admin") else { return who == .nobody ? 401 : 403 }
        return call.isAnns && who != .ann ? 404 : 200
    }

    @Test(
        "Z20, M9, M10: each page flow of a sample answers each caller as its access says, and refused calls leave nothing",
        arguments: ["shop", "subscriptions", "donations"]
    )
    func everyFlow(sample: String) async throws {
        let calls =
            ["shop": Self.shop, "subscriptions": Self.subscriptions, "donations": Self.donations][sample] ?? [:]
        let sources = try AppFolder.read(BuiltCommand.samples.appending(path: sample).path)
        let app = try #require(AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(sources).app)
        let isAdminAlone = !app.roles.contains("customer")
        try await BuiltCommand.withWorld(
            "access \(sample)",
            sample: sample,
            customer: isAdminAlone ? "admin" : "customer"
        ) {
            world in
            let role = isAdminAlone ? "admin" : "customer"
            let words = ["token", "create", world.app, "--role", role, "--id", "bob@example.com"]
            let bob = try ChildProcess.run(world.executable, words, environment: world.environment)
            let stage = Stage(
                world: world,
                tokens: [
                    .forged: "rnl_" + String(repeating: "A", count: 43), .ann: world.client.customerToken,
                    .bob: bob.output.trimmingCharacters(in: .whitespacesAndNewlines), .boss: world.client.adminToken,
                ]
            )
            if sample == "shop" { _ = try await stage.must("add-product", ["name": "Mug", "price": 1299], as: .boss) }
            if sample == "subscriptions" {
                let plan: Value = ["name": "Paper", "price": 900, "priceId": try await stage.price()]
                _ = try await stage.must("add-plan", plan, as: .boss)
            }
            var tried = 0
            for flow in app.flows.values.filter({ $0.kind == .page }).sorted(by: { $0.name < $1.name }) {
                guard let call = calls[flow.name] else {
                    Issue.record("the matrix has no call for \(sample)'s page flow \(flow.name)")
                    continue
                }
                for who in Who.allCases {
                    let status = Self.expected(flow.access, call, who, isAdminAlone: isAdminAlone)
                    let input = try await call.input(stage)
                    let before = status == 200 ? [] : try await stage.traces(app)
                    let answer = try await stage.call(flow.name, input, as: who)
                    tried += 1
                    #expect(answer.status == status, "\(flow.name) as \(who): \(answer.body)")
                    if status != 200 { #expect(try await stage.traces(app) == before, "\(flow.name) as \(who)") }
                }
            }
            #expect(tried == calls.count * Who.allCases.count)
        }
    }
}
