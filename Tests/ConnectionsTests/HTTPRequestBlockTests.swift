import Expressions
import FlowEngine
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite("http-request")
struct HTTPRequestBlockTests {
    private let json = ["Content-Type: application/json"]

    private func world(_ server: LocalServer, _ block: String) throws -> HTTPWorld {
        try world(server, "allow: [127.0.0.1], auth: { bearer: stock.token }", block)
    }

    private func world(_ server: LocalServer, _ settings: String, _ block: String) throws -> HTTPWorld {
        try HTTPWorld(connection: "url: '\(server.url("/api"))', \(settings)", block: "connection: stock\n" + block)
    }

    @Test("gives status, headers and the body as values; the secret goes over the wire and nowhere else")
    func get() async throws {
        let server = try LocalServer { request in
            // A service that shows what it was sent.
            let echo = request.header("Authorization") ?? ""
            return answer(
                headers: json + ["X-Echo: \(echo)", "Set-Cookie: s=1"],
                body: #"{"left":3,"seen":"\#(echo)"}"#
            )
        }
        defer { server.stop() }
        let result = try await world(server, "path: /items/${ input.text }\nquery: { q: a b&c, n: [1, 2] }")
            .call(["text": "x"])
        #expect(result.status == 200)
        #expect(result.body["body"] == ["left": 3, "seen": "Bearer ••••"])
        #expect(result.body["headers"]?["x-echo"] == "Bearer ••••")
        #expect(result.body["headers"]?["set-cookie"] == nil)
        let request = try #require(server.received.first)
        #expect(request.line == "GET /api/items/x?q=a%20b%26c&n=1&n=2 HTTP/1.1")
        #expect(request.header("Authorization") == "Bearer \(HTTPWorld.token)")
        #expect(request.header("Idempotency-Key") == nil)
    }

    @Test("a secret that the answer writes in another way is in neither what the flow sees nor what is kept")
    func escapedEcho() async throws {
        let numbers = HTTPWorld.token.utf8.map { "\\u00" + String($0, radix: 16) }.joined()
        let base64 = Data("user:\(HTTPWorld.token)".utf8).base64EncodedString()
        let server = try LocalServer { _ in
            answer(headers: json, body: #"{"esc":"\#(numbers)","b64":"\#(base64)","\#(numbers)":1}"#)
        }
        defer { server.stop() }
        let result = try await world(server, "path: /").call()
        #expect(result.body["body"]?["esc"] == "••••")
        #expect(result.body["body"]?["••••"] == 1)
        #expect(result.body["body"]?["b64"]?.stringValue?.hasSuffix("••••") == true)
    }

    @Test("what a service refuses its flow is not refused the flow's caller: 401 and its like are 502 outside")
    func upstreamStatus() async throws {
        for status in ["401 Unauthorized", "403 Forbidden", "404 Not Found", "407 Proxy"] {
            let server = try LocalServer { _ in answer(status, body: "no") }
            defer { server.stop() }
            let result = try await world(server, "path: /\nmethod: POST").call()
            #expect(result.status == 502, "\(status)")
            #expect(result.body["code"] == "unexpected_status")
        }
    }

    @Test(
        "loopback is refused unless 'allow' names it, however it is written",
        arguments: ["127.0.0.1", "localhost", "[::1]"]
    )
    func loopback(host: String) async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        let url = "http://\(host):\(server.port)"
        let connection = try HTTPWorld(connection: "url: '\(url)'", block: "connection: stock\npath: /")
        let first = try await connection.failure()
        #expect(first.code == "not_sent" && first.message.contains("address"))
        let bare = try await HTTPWorld(connection: "url: 'https://a.example'", block: "url: '\(url)/'").failure()
        #expect(bare.code == "not_sent" && bare.message.contains("address"))
        // A host that is allowed by name opens no address.
        let named = try HTTPWorld(
            connection: "url: '\(url)', allow: [localhost, '127.0.0.1:\(server.port)']",
            block: "connection: stock\npath: /"
        )
        #expect(try await named.failure().code == "not_sent")
        #expect(server.connectionCount == 0)
    }

    @Test("a redirect to a host or an address that was not named is not followed")
    func redirectInside() async throws {
        let inner = try LocalServer { _ in answer(body: "inner") }
        defer { inner.stop() }
        for host in ["127.0.0.2", "localhost", "169.254.169.254", "[::ffff:127.0.0.1]", "0x7f.2"] {
            let server = try LocalServer { _ in
                answer("302 Found", headers: ["Location: http://\(host):\(inner.port)/"])
            }
            defer { server.stop() }
            let failure = try await world(server, "path: /").failure()
            #expect(failure.code == "not_sent", "\(host): \(failure)")
            #expect(failure.message.contains("allow") || failure.message.contains("address"), "\(host)")
            #expect(server.received.count == 1)
        }
        #expect(inner.connectionCount == 0)
    }

    @Test("a redirect that may be followed is, and what was meant for the first host stays there")
    func redirect() async throws {
        let second = try LocalServer { _ in answer(headers: json, body: "[1]") }
        defer { second.stop() }
        let first = try LocalServer { request in
            request.line.contains("/start")
                ? answer("301 Moved", headers: ["Location: next?x=1"])
                : answer("307 Temporary Redirect", headers: ["Location: \(second.url("/end"))"])
        }
        defer { first.stop() }
        let result = try await world(first, "path: /start\nheaders: { X-Shop: a, Accept: application/json }").call()
        #expect(result.body["body"] == [1])
        #expect(first.received.map(\.line) == ["GET /api/start HTTP/1.1", "GET /api/next?x=1 HTTP/1.1"])
        #expect(first.received.map { $0.header("X-Shop") } == ["a", "a"])
        let last = try #require(second.received.first)
        #expect(last.header("Authorization") == nil && last.header("X-Shop") == nil)
        #expect(last.header("Accept") == "application/json")
    }

    @Test("redirects end somewhere, and what changes something follows none")
    func redirectsEnd() async throws {
        let server = try LocalServer { _ in answer("302 Found", headers: ["Location: /api/again"]) }
        defer { server.stop() }
        #expect(try await world(server, "path: /").failure().code == "too_many_redirects")
        #expect(server.received.count == 6)
        let post = try await world(server, "path: /\nmethod: POST").failure()
        #expect(post.code == "unexpected_status" && post.status == 302)
        #expect(server.received.count == 7)
        let expected = try await world(server, "path: /\nexpect: [302]").call()
        #expect(expected.body["status"] == 302 && expected.body["headers"]?["location"] == "/api/again")
    }

    @Test("what an expression gives stays within its step of the path")
    func injection() async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        let asked = try world(server, "path: /items/${ input.text }/stock")
        _ = try await asked.call(["text": "a/../admin?x=1#y%2f é"])
        #expect(
            server.received.map(\.line) == ["GET /api/items/a%2F..%2Fadmin%3Fx%3D1%23y%252f%20%C3%A9/stock HTTP/1.1"]
        )
        for text in ["", "..", "."] as [Value] {
            let failure = try await asked.failure(["text": text])
            #expect(failure.code == "invalid_parameter" && failure.param == "path")
        }
        #expect(server.received.count == 1)
    }

    @Test("a header from outside cannot start a second one")
    func headerInjection() async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        let failure = try await world(server, "path: /\nheaders: { X-A: '${ input.text }' }")
            .failure(["text": "a\r\nX-B: b"])
        #expect(failure.code == "invalid_parameter")
        #expect(server.connectionCount == 0)
    }

    @Test("bodies are JSON, forms or text, as their type says")
    func bodies() async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        let key = "effect: keyed\n"
        _ = try await world(server, key + "method: POST\nbody: { a: 1, b: [true, '${ input.text }'] }").call()
        _ = try await world(server, key + "method: POST\nbody: plain").call()
        _ = try await world(
            server,
            key + "method: POST\nheaders: { Content-Type: application/x-www-form-urlencoded }\nbody: { a: x y, b: 2 }"
        ).call()
        #expect(
            server.received.map { String(decoding: $0.body, as: UTF8.self) } == [
                #"{"a":1,"b":[true,"none"]}"#, "plain", "a=x%20y&b=2",
            ]
        )
        #expect(
            server.received.map { $0.header("Content-Type") } == [
                "application/json", "text/plain; charset=utf-8", "application/x-www-form-urlencoded",
            ]
        )
        #expect(server.received.allSatisfy { $0.header("Idempotency-Key")?.hasPrefix("rnl_") == true })
    }

    @Test("a POST whose answer is lost is not sent twice: the run asks a person")
    func once() async throws {
        let server = try LocalServer { connection, _ in
            _ = connection.readRequest()
            connection.reset()
        }
        defer { server.stop() }
        let world = try world(server, "method: POST\npath: /orders")
        try await world.run { engine in
            async let answer = engine.callPage(
                "f",
                input: [:],
                caller: .anonymous,
                idempotencyKey: nil,
                timeLimit: .seconds(86_400)
            )
            while try await engine.run(1)?.status != .outcomeUnknown { await Task.yield() }
            #expect(server.received.count == 1)
            #expect(try await engine.run(1)?.failure?.code == "outcome_unknown")
            _ = try await answer
        }
    }

    @Test("a PUT whose answer is lost is sent again with its key")
    func keyed() async throws {
        let server = try LocalServer { connection, number in
            guard let request = connection.readRequest() else { return }
            if number == 0 { return connection.reset() }
            connection.write(answer(headers: ["Connection: close"], body: request.header("Idempotency-Key") ?? ""))
        }
        defer { server.stop() }
        let world = try world(server, "method: PUT\npath: /orders/1\nbody: { a: 1 }")
        try await world.run { engine in
            async let result = engine.ask()
            await world.clock.waitForSleeper(within: .seconds(2))
            world.clock.advance(by: .seconds(2))
            let status = try await result.status
            #expect(status == 200)
            #expect(server.received.count == 2)
            #expect(Set(server.received.map { $0.header("Idempotency-Key") }).count == 1)
        }
    }

    @Test("'expect' says what succeeds; anything else is the block's failure with its status")
    func expect() async throws {
        let server = try LocalServer { _ in answer("404 Not Found", headers: json, body: "{}") }
        defer { server.stop() }
        #expect(try await world(server, "path: /\nexpect: [200, 404]").call().body["status"] == 404)
        #expect(try await world(server, "path: /\nexpect: 4xx").call().body["status"] == 404)
        let failure = try await world(server, "path: /").failure()
        #expect(failure.code == "unexpected_status" && failure.status == 404 && !failure.retryable)
    }

    @Test(
        "a status that 'expect' names is given to the flow at once, also one that else means to send again",
        arguments: [(429, "GET"), (429, "POST"), (409, "PUT"), (429, "DELETE")]
    )
    func expectedRefusal(status: Int, method: String) async throws {
        let server = try LocalServer { _ in answer("\(status) No", headers: json, body: "{}") }
        defer { server.stop() }
        let block = "path: /\nmethod: \(method)\nexpect: [2xx, 404, 409, 429]"
        #expect(try await world(server, block).call().body["status"] == .int(Int64(status)))
        #expect(server.received.count == 1)
    }

    @Test("a request that was done, and answered with another 2xx than expected, is among what a rerun repeats")
    func repeatsUnexpected() async throws {
        let server = try LocalServer { _ in answer(headers: json, body: "{}") }
        defer { server.stop() }
        let repeats = try await world(server, "method: POST\npath: /orders\nexpect: [201]").run { engine in
            _ = try await engine.ask()
            return try await engine.planRerun(of: RunID(1), from: .failure).repeats
        }
        #expect(repeats.map(\.what) == ["stock: POST /orders"])
    }

    @Test("an answer that is too large, or says it is JSON and is not, fails the block at once")
    func hostileAnswers() async throws {
        let server = try LocalServer { request in
            request.line.contains("large")
                ? answer(body: String(repeating: "x", count: 101)) : answer(headers: json, body: "{]")
        }
        defer { server.stop() }
        let large = try await world(server, "allow: [127.0.0.1], maxBytes: 100", "path: /large").failure()
        #expect(large.code == "unusable_answer" && large.message.contains("larger than allowed"))
        #expect(try await world(server, "path: /json").failure().code == "malformed_body")
        #expect(server.received.count == 2)
    }

    @Test("without its secret nothing leaves, and the message says how to set it")
    func noSecret() async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        let failure = try await world(server, "allow: [127.0.0.1], auth: { bearer: stock.other }", "path: /").failure()
        #expect(failure.message.contains("runnel secrets set stock.test.other"))
        #expect(server.connectionCount == 0)
    }
}
