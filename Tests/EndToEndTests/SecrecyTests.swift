import Expressions
import Foundation
import Testing

@testable import runnel

/// Secrets that would be known again wherever they turned up, in a server that tells all it can.
@Suite(.serialized, .timeLimit(.minutes(5))) struct SecrecyTests {
    private static let card = "4242424242424242"

    /// Goal: a key, a signing secret, a token or a card number stands nowhere but where it was put.
    ///
    /// Method: the shop's whole story over real HTTP with the log at its most talkative, failures of every kind among it;
    /// then every byte that is left of it is searched: data folder, log, answers, reports, capsules, metrics, messages.
    @Test("Z2, Z5: canary secrets are in no log, journal, table, capsule, page, metric or message")
    func canaries() async throws {
        try await BuiltCommand.withWorld("secrecy", serveOptions: ["--log-level", "trace"]) { world in
            let steps = PaidOrderTests()
            let client = world.client
            var texts: [String] = []
            let note = { (answer: DemoClient.Answer) in texts.append("\(answer.body)") }
            let secret = try await steps.hookSecret(of: world)
            let order = try await steps.newOrder(in: world)
            let checkout = try await client.page("checkout", ["orderId": .int(order)], token: client.customerToken)
            note(checkout)
            // Stripe.js sends the card to Stripe alone.
            let intent = try await payByCard(checkout.body, client)
            let event = try await steps.event("payment_intent.succeeded", in: world)
            let header = steps.signature(of: event, secret: secret, at: Date())
            note(try await client.hook(event, signature: header))
            try await steps.expectPaid(order, intent, in: world)
            note(try await client.page("refund-order", ["orderId": .int(order)], token: client.adminToken))
            note(try await client.hook(event, signature: "t=1,v1=\(secret)"))
            // A card number where none belongs, a token in the wrong place.
            note(try await client.page("checkout", ["orderId": .string(Self.card)], token: client.customerToken))
            note(try await client.page("place-order", ["product": 1], token: client.adminToken + "x"))
            note(try await client.get("/tables/orders?after=\(client.adminToken)"))
            let canaries = [
                DemoClient.secretKey, secret, Self.card, client.adminToken, client.customerToken,
                "sk_test_secondCanary",
            ]
            for value in ["sk_test_secondCanary", "pk_test_x", DemoClient.secretKey] {
                let words = ["secrets", "set", "stripe.test.secretKey", world.app]
                let set = try ChildProcess.run(
                    world.executable,
                    words,
                    environment: world.environment,
                    input: value + "\n"
                )
                texts += [set.output, set.errors]
                _ = try await client.page("place-order", ["product": 1], token: client.customerToken)
                let last = try await client.get("/tables/orders").body["items"]?.listValue?.last?["id"] ?? .null
                note(try await client.page("checkout", ["orderId": last], token: client.customerToken))
            }
            note(try await client.get("/metrics"))
            texts += try reports(of: world)
            texts.append(world.log())
            try expectNone(of: canaries, in: texts, below: world.app)
        }
    }

    private func payByCard(_ checkout: Value, _ client: DemoClient) async throws -> String {
        let secret = checkout["clientSecret"]?.stringValue ?? ""
        let intent = secret.components(separatedBy: "_secret_")[0]
        let card =
            "payment_method_data[type]=card&payment_method_data[card][number]=\(Self.card)"
            + "&payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2035"
            + "&payment_method_data[card][cvc]=123"
        let paid = try await client.stripe(
            "POST",
            "/v1/payment_intents/\(intent)/confirm",
            form: "client_secret=\(secret)&\(card)&return_url=http://127.0.0.1/done",
            key: DemoClient.publishableKey
        )
        #expect(paid["status"] == "succeeded", "\(paid)")
        return intent
    }

    /// What the command line tells of every run, and every run's capsule.
    private func reports(of world: DemoWorld) throws -> [String] {
        var texts = [try world.runnel(["runs", "list", world.app, "--limit", "100", "--json"])]
        for run in try PaidOrderTests().allRuns(in: world) {
            guard let id = run["run"]?.intValue ?? run["id"]?.intValue else { continue }
            texts.append(try world.runnel(["runs", "show", "\(id)", world.app, "--json"]))
            let file = world.folder.appending(path: "\(id).capsule").path
            _ = try world.runnel(["runs", "export", "\(id)", world.app, "--output", file])
            texts.append(String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self))
        }
        #expect(texts.count > 10)
        texts.append(try world.runnel(["secrets", "list", world.app]))
        texts.append(try world.runnel(["payments", "status", world.app, "--json"]))
        return texts
    }

    private func expectNone(of canaries: [String], in texts: [String], below folder: String) throws {
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        let files = names.compactMap { name in
            FileManager.default.contents(atPath: "\(folder)/\(name)").map { (name, $0) }
        }
        #expect(
            files.contains { $0.1.range(of: Data("ann@example.com".utf8)) != nil },
            "the data is where it is looked for"
        )
        for canary in canaries {
            for text in texts where text.contains(canary) {
                let place = text.firstRange(of: canary).map { text[..<$0.lowerBound].suffix(80) } ?? ""
                Issue.record("\(canary) behind \(place)")
            }
            for (name, bytes) in files where bytes.range(of: Data(canary.utf8)) != nil {
                Issue.record("\(canary) in \(name)")
            }
        }
    }
}
