import Connections
import Crypto
import Expressions
import FlowEngine
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import TestSupport
import Testing

@testable import FlowServer

@Suite("Web hooks")
struct HookTests {
    private static let json: HTTPFields = [.contentType: "application/json"]

    @Test("one event posted 100 times, 50 of them at once, is one run; repetitions are counted")
    func oneRun() async throws {
        try await ServerWorld.run { world, client in
            @Sendable func post() async throws -> JSONAnswer {
                try await client.json("/hooks/ticket", .post, headers: Self.json, body: #"{"id": "t-1"}"#)
            }
            let answers = try await withThrowingTaskGroup(of: JSONAnswer.self) { group in
                for _ in 0..<50 { group.addTask { try await post() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.filter { $0.body == ["received": true] }.count == 1)
            for _ in 0..<50 {
                let answer = try await post()
                #expect(answer.body == ["received": true, "repeated": true])
            }
            #expect(answers.allSatisfy { $0.status == 200 })
            #expect(try await world.runs().count == 1)
            let metrics = try await client.executeRequest(uri: "/metrics", method: .get, headers: [:], body: nil)
            let text = String(buffer: metrics.body)
            #expect(text.contains(#"runnel_deliveries_total{source="ticket",outcome="accepted"} 1"#))
            #expect(text.contains(#"runnel_deliveries_total{source="ticket",outcome="repeated"} 99"#))
            #expect(text.contains(#"runnel_http_requests_total{route="/hooks/{flow}",method="POST",status="200"} 100"#))
        }
    }

    @Test("a delivery without the id that the hook needs is 400, and nothing is stored")
    func missingID() async throws {
        try await ServerWorld.run { world, client in
            for body in ["{}", #"{"id": null}"#, #"{"id": ""}"#, "[]", "", "{"] {
                let answer = try await client.json("/hooks/ticket", .post, headers: Self.json, body: body)
                #expect(answer.status == 400, "\(body)")
            }
            #expect(try await world.runs().isEmpty)
        }
    }

    @Test("a hook that answers when finished gives the flow's own answer, to a repetition as well")
    func whenFinished() async throws {
        try await ServerWorld.run { world, client in
            var headers = Self.json
            headers[.userAgent] = "tester"
            for _ in 0..<2 {
                let body = #"{"id": 7, "text": "hi"}"#
                let answer = try await client.json("/hooks/echo", .post, headers: headers, body: body)
                #expect(answer.status == 201)
                #expect(answer.body == ["said": "hi", "agent": "tester"])
                #expect(answer.headers[try #require(HTTPField.Name("x-answer"))] == "yes")
            }
            #expect(try await world.runs().count == 1)
        }
    }

    @Test("a bearer hook asks for a token of a role that may call it, and keeps the token out of the run")
    func bearer() async throws {
        try await ServerWorld.run { world, client in
            let uri = "/hooks/guarded?word=hello%20there&word=again"
            #expect(try await client.json(uri, .get, headers: [:], body: nil).status == 401)
            #expect(try await client.json(uri, .get, headers: try await world.headers(.ann), body: nil).status == 403)
            let boss = try await world.headers(.boss)
            #expect(try await client.json(uri, .get, headers: boss, body: nil).status == 200)
            #expect(try await client.json(uri, .post, headers: boss, body: "{}").status == 405)
            let runs = try await world.runs()
            #expect(runs.count == 1)
            #expect(runs.first?.start.trigger["query"]?["word"] == "hello there")
            #expect(runs.first?.start.trigger["headers"]?["authorization"] == nil)
        }
    }

    @Test("a signed hook takes what its secret signed and nothing else")
    func signed() async throws {
        try await ServerWorld.run { world, client in
            let body = #"{"text": "genuine"}"#
            func signed(_ secret: String) -> String {
                let key = SymmetricKey(data: Array(secret.utf8))
                return HMAC<SHA256>.authenticationCode(for: Array(body.utf8), using: key)
                    .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            }
            // Its secret has a comma; what stands before it is short enough to be guessed.
            let hex = signed("Kq, it is me")
            var headers = Self.json
            let name = try #require(HTTPField.Name("X-Hub-Signature-256"))
            let refused = [
                "", "sha256=", "sha256=\(hex)00", "sha1=\(hex)", "sha256=" + String(repeating: "0", count: 64),
                "sha256=" + signed("Kq"), "sha256=" + signed("it is me"),
            ]
            for signature in refused {
                headers[name] = signature
                #expect(try await client.json("/hooks/signed", .post, headers: headers, body: body).status == 401)
            }
            headers[name] = "sha256=\(hex)"
            #expect(try await client.json("/hooks/signed", .post, headers: headers, body: body + " ").status == 401)
            #expect(try await world.runs().isEmpty)
            #expect(try await client.json("/hooks/signed", .post, headers: headers, body: body).status == 200)
        }
    }

    @Test("a hook's body is JSON, a form or text; another content type is 415, too many bytes 413")
    func bodies() async throws {
        var configuration = ServerConfiguration()
        configuration.limits.hookBodyBytes = 100
        try await ServerWorld.run(configuration) { world, client in
            let form: HTTPFields = [.contentType: "application/x-www-form-urlencoded"]
            let answer = try await client.json("/hooks/ticket", .post, headers: form, body: "id=a+b%2Bc&x=")
            #expect(answer.status == 200)
            #expect(try await world.runs().first?.start.trigger["body"] == ["id": "a b+c", "x": ""])
            for (body, value) in [("id=f1&h=1#frag&i=?x", "1#frag"), ("id=f2&h=%E2%82%AC%23", "€#")] {
                #expect(try await client.json("/hooks/ticket", .post, headers: form, body: body).status == 200)
                let bodies = try await world.runs().map { $0.start.trigger["body"] }
                #expect(bodies.contains { $0?["h"] == .string(value) }, "\(body)")
            }
            for body in ["id=%ff", "id=%zz", "id=a%2"] {
                let answer = try await client.json("/hooks/ticket", .post, headers: form, body: body)
                #expect(answer.status == 400, "\(body)")
            }
            let image: HTTPFields = [.contentType: "image/png"]
            #expect(try await client.json("/hooks/ticket", .post, headers: image, body: "x").status == 415)
            let long = String(repeating: " ", count: 101)
            #expect(try await client.json("/hooks/ticket", .post, headers: Self.json, body: long).status == 413)
            #expect(try await client.json("/hooks/nothing", .post, headers: Self.json, body: "{}").status == 404)
            #expect(try await client.json("/hooks/hello", .post, headers: Self.json, body: "{}").status == 404)
        }
    }
}

@Suite("POST /hooks/stripe")
struct StripeHookTests {
    private static let name = "Stripe-Signature"

    private static func event(_ id: String = "evt_1", isLive: Bool = false) -> String {
        """
        {"id": "\(id)", "object": "event", "type": "customer.created", "created": 1795168800, "livemode": \(isLive),
         "data": {"object": {"id": "cus_1", "object": "customer"}}}
        """
    }

    private static func headers(_ body: String, at time: Timestamp) throws -> HTTPFields {
        let signature = StripeSignature.sign(body: Array(body.utf8), secret: ServerWorld.stripeSecret, at: time)
        return [.contentType: "application/json", try #require(HTTPField.Name(name)): signature]
    }

    @Test("a signed event is taken in once, and answered again as a repetition")
    func accepted() async throws {
        try await ServerWorld.run { world, client in
            let body = Self.event()
            let headers = try Self.headers(body, at: world.clock.now())
            let first = try await client.json("/hooks/stripe", .post, headers: headers, body: body)
            #expect(first.status == 200)
            #expect(first.body == ["received": true])
            let second = try await client.json("/hooks/stripe", .post, headers: headers, body: body)
            #expect(second.body == ["received": true, "repeated": true])
            // The flow that waits for this type of event ran once.
            let run = try #require(try await world.runs().first)
            #expect(run.start.flow == "dispute")
            _ = try await world.engine.answer(of: run.id, timeLimit: .seconds(60))
            #expect(try await world.runs().count == 1)
            #expect(try await world.rows("notes").map { $0["text"] } == ["cus_1"])
        }
    }

    @Test("a changed byte, an old or future stamp, no signature, two of them and a live event are refused unstored")
    func refused() async throws {
        try await ServerWorld.run { world, client in
            let body = Self.event()
            let now = world.clock.now()
            let good = try Self.headers(body, at: now)
            let past = now + .seconds(-301)
            let ahead = now + .seconds(301)
            let old = try Self.headers(body, at: try #require(past))
            let future = try Self.headers(body, at: try #require(ahead))
            var doubled = good
            doubled.append(HTTPField(name: try #require(HTTPField.Name(Self.name)), value: "t=1,v1=00"))
            let live = Self.event(isLive: true)
            let attempts: [(HTTPFields, String)] = [
                (good, body + " "), (old, body), (future, body), ([.contentType: "application/json"], body),
                (doubled, body), (try Self.headers(live, at: now), live),
            ]
            for (index, (headers, body)) in attempts.enumerated() {
                let answer = try await client.json("/hooks/stripe", .post, headers: headers, body: body)
                #expect((400...499).contains(answer.status), "attempt \(index): \(answer.status)")
            }
            let stored = try await world.engine.store.read { reader throws(StoreError) in
                try reader.deliveries(matching: DeliveryFilter())
            }
            #expect(stored.isEmpty)
        }
    }
}
