import Crypto
import Expressions
import Foundation
import Testing

@testable import runnel

/// The built command, its server, its simulator: real processes, real HTTP, real files.
@Suite(.serialized, .timeLimit(.minutes(5))) struct PaidOrderTests {
    @Test("the demo ends well, from a path with spaces, twice in a row")
    func demo() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "runnel demo test \(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var environment = ProcessInfo.processInfo.environment
        environment["TMPDIR"] = folder.path
        for _ in 1...2 {
            let result = try ChildProcess.run(BuiltCommand.url, ["demo"], environment: environment)
            #expect(result.code == 0, "\(result.output)\n\(result.errors)")
            #expect(result.output.contains("NEW → PAID → REFUNDED"))
        }
    }

    /// Goal: one delivery counts, however often it comes.
    ///
    /// Method: the real event, fetched from the simulator and
    /// posted again a hundred times, fifty of them at once.
    @Test("the same event a hundred times makes one run and one paid order")
    func duplicates() async throws {
        try await BuiltCommand.withWorld("duplicates") { world in
            let order = try await paidOrder(in: world)
            let secret = try await hookSecret(of: world)
            let body = try await event("payment_intent.succeeded", in: world)
            let before = try callbackRuns(in: world).count
            let client = world.client
            let header = signature(of: body, secret: secret, at: Date())
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<50 {
                    group.addTask { try await client.hook(body, signature: header).status }
                }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(statuses.allSatisfy { $0 == 200 })
            for _ in 0..<50 { #expect(try await client.hook(body, signature: header).status == 200) }
            #expect(try callbackRuns(in: world).count == before)
            #expect(try await client.row("orders", order)["status"] == "PAID")
        }
    }

    @Test("a changed byte, an old stamp, no signature and a live event under a test secret store nothing")
    func forgeries() async throws {
        try await BuiltCommand.withWorld("forgeries") { world in
            let secret = try await hookSecret(of: world)
            let body = sampleEvent()
            let good = signature(of: body, secret: secret, at: Date())
            let client = world.client
            let before = try await client.get("/metrics").body.stringValue.map(deliveries) ?? []

            var changed = body
            changed[changed.count / 2] ^= 1
            #expect(try await client.hook(changed, signature: good).status / 100 == 4)
            let old = signature(of: body, secret: secret, at: Date(timeIntervalSinceNow: -301))
            #expect(try await client.hook(body, signature: old).status / 100 == 4)
            let early = signature(of: body, secret: secret, at: Date(timeIntervalSinceNow: 320))
            #expect(try await client.hook(body, signature: early).status / 100 == 4)
            #expect(try await client.hook(body, signature: nil).status / 100 == 4)
            let text = String(decoding: body, as: UTF8.self)
            let live = Array(text.replacing("\"livemode\": false", with: "\"livemode\": true").utf8)
            let signedLive = signature(of: live, secret: secret, at: Date())
            #expect(try await client.hook(live, signature: signedLive).status / 100 == 4)
            #expect(try await client.get("/metrics").body.stringValue.map(deliveries) == before)

            #expect(try await client.hook(body, signature: good).status == 200)
            #expect(try await client.get("/metrics").body.stringValue.map(deliveries) != before)
        }
    }

    @Test("a kill between checkout and callback loses nothing and charges once")
    func killedBeforeTheCallback() async throws {
        try await BuiltCommand.withWorld("killed before") { world in
            let order = try await newOrder(in: world)
            let checkout = try await world.client.page(
                "checkout",
                ["orderId": .int(order)],
                token: world.client.customerToken
            )
            world.runtime.killAtOnce()
            let intent = try await world.client.pay(checkout.body, card: "pm_card_visa")
            try world.restartRuntime()
            try await expectPaid(order, intent, in: world)
        }
    }

    @Test(
        "a kill in the middle of a callback loses nothing and charges once",
        arguments: [
            "ingest-before-commit", "ingest-after-commit", "entry-before-commit", "finish-before-commit",
            "finish-after-commit",
        ]
    )
    func killedInTheCallback(_ failpoint: String) async throws {
        try await BuiltCommand.withWorld("killed at \(failpoint)") { world in
            let order = try await newOrder(in: world)
            let checkout = try await world.client.page(
                "checkout",
                ["orderId": .int(order)],
                token: world.client.customerToken
            )
            world.runtime.stop()
            try world.restartRuntime(environment: ["RUNNEL_FAILPOINT": "\(failpoint):1:kill"])
            let intent = try await world.client.pay(checkout.body, card: "pm_card_visa")
            world.runtime.wait()
            try world.restartRuntime()
            try await expectPaid(order, intent, in: world)
        }
    }

    @Test("fifty checkouts of one order at once open one intent")
    func oneIntent() async throws {
        try await BuiltCommand.withWorld("one intent") { world in
            let order = try await newOrder(in: world)
            let client = world.client
            let secrets = try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await client.page("checkout", ["orderId": .int(order)], token: client.customerToken)
                            .body["clientSecret"]?.stringValue
                    }
                }
                return try await group.reduce(into: Set<String?>()) { $0.insert($1) }
            }
            #expect(secrets.count == 1)
            #expect(secrets.first.flatMap { $0 } != nil)
            let intents = try await client.stripe("GET", "/v1/payment_intents?limit=100")
            #expect(intents["data"]?.listValue?.count == 1)
        }
    }

    @Test("one Idempotency-Key fifty times at once is one order and one answer")
    func oneAnswer() async throws {
        try await BuiltCommand.withWorld("one answer") { world in
            let client = world.client
            _ = try await client.page("add-product", ["name": "Mug", "price": 1299], token: client.adminToken)
            let answers = try await withThrowingTaskGroup(of: DemoClient.Answer.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await client.page("place-order", ["product": 1], token: client.customerToken, key: "k-1")
                    }
                }
                return try await group.reduce(into: Set<DemoClient.Answer>()) { $0.insert($1) }
            }
            #expect(answers.count == 1)
            #expect(answers.first?.status == 200)
            #expect(try await client.get("/tables/orders").body["items"]?.listValue?.count == 1)
        }
    }

    @Test("nobody gets in who should not be")
    func refusals() async throws {
        try await BuiltCommand.withWorld("refusals") { world in
            let order = try await paidOrder(in: world)
            let client = world.client
            let runs = try allRuns(in: world).count
            #expect(try await client.page("place-order", ["product": 1], token: nil).status == 401)
            #expect(try await client.page("place-order", ["product": 1], token: "rnl_forged").status == 401)
            let refund = try await client.page("refund-order", ["orderId": .int(order)], token: client.customerToken)
            #expect(refund.status == 403)
            #expect(try allRuns(in: world).count == runs)
            #expect(try await client.stripe("GET", "/v1/refunds")["data"]?.listValue?.isEmpty == true)
        }
    }

    @Test("a second server on the same data is refused and names the first one's pid")
    func secondServer() async throws {
        try await BuiltCommand.withWorld("second server") { world in
            let words = ["serve", world.app, "--port", "0"]
            let second = try ChildProcess.run(BuiltCommand.url, words, environment: world.environment)
            #expect(second.code == 2)
            #expect(second.errors.contains("\(world.runtime.pid)"))
        }
    }

    @Test("the command is linked with the system's libraries, and with no JavaScript engine")
    func linkage() throws {
        let result = try ChildProcess.run(
            URL(filePath: "/usr/bin/ldd"),
            [BuiltCommand.url.path],
            environment: ProcessInfo.processInfo.environment
        )
        for library in ["libsqlite3", "libcurl", "libyaml"] { #expect(result.output.contains(library)) }
        #expect(!result.output.lowercased().contains("javascriptcore"))
    }
}
