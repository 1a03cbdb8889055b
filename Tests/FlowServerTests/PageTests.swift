import Expressions
import FlowEngine
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import TestSupport
import Testing

@testable import FlowServer

@Suite("POST /pages/<flow>")
struct PageTests {
    @Test("a page call runs its flow and answers the declared output")
    func output() async throws {
        try await ServerWorld.run { world, client in
            let headers = try await world.headers(.ann)
            let answer = try await client.json("/pages/place-order", .post, headers: headers, body: #"{"total": 1200}"#)
            #expect(answer.status == 200)
            #expect(answer.body == ["orderId": 1])
            #expect(answer.headers[.contentType] == "application/json")
            let rows = try await world.rows("orders")
            #expect(rows.first?["email"] == "ann@example.com")
        }
    }

    @Test("a flow that is open to the public takes calls without a token")
    func anonymous() async throws {
        try await ServerWorld.run { world, client in
            let answer = try await client.json("/pages/hello", .post, headers: try await world.headers(), body: "{}")
            #expect(answer.status == 200)
            #expect(answer.body == ["greeting": "hello"])
        }
    }

    @Test(
        "without a token an Idempotency-Key that could be guessed is refused",
        arguments: [("order-1", 400), ("7Zb0vVQm3rKfYtLw9XcAqg", 200)]
    )
    func anonymousKey(key: String, status: Int) async throws {
        try await ServerWorld.run { world, client in
            let headers = try await world.headers(key: key)
            #expect(try await client.json("/pages/hello", .post, headers: headers, body: "{}").status == status)
        }
    }

    @Test("the author's failure is problem details with the author's status, code and message")
    func failure() async throws {
        try await ServerWorld.run { world, client in
            let answer = try await client.json(
                "/pages/refuse",
                .post,
                headers: try await world.headers(.ann),
                body: "{}"
            )
            #expect(answer.status == 409)
            #expect(answer.headers[.contentType] == "application/problem+json")
            #expect(answer.body["type"] == "urn:runnel:problem:order_closed")
            #expect(answer.body["detail"] == "This order is closed")
            #expect(answer.body["run"] == 1)
        }
    }

    @Test("no token, an unknown one, a wrong scheme and a wrong role are refused, and nothing is stored")
    func refusals() async throws {
        try await ServerWorld.run { world, client in
            let uri = "/pages/place-order"
            let body = #"{"total": 5}"#
            var headers = try await world.headers()
            let none = try await client.json(uri, .post, headers: headers, body: body)
            #expect(none.status == 401)
            #expect(none.headers[.wwwAuthenticate] == #"Bearer realm="runnel""#)
            headers[.authorization] = "Bearer rnl_" + String(repeating: "x", count: 43)
            let unknown = try await client.json(uri, .post, headers: headers, body: body)
            #expect(unknown.status == 401)
            #expect(unknown.headers[.wwwAuthenticate] == #"Bearer realm="runnel", error="invalid_token""#)
            headers[.authorization] = "Basic YW5uOmFubg=="
            #expect(try await client.json(uri, .post, headers: headers, body: body).status == 401)
            let publicHeaders = try await world.headers(Caller(id: "eve", roles: ["public"]))
            #expect(try await client.json(uri, .post, headers: publicHeaders, body: body).status == 403)
            let other = try await world.headers(.boss)
            #expect(try await client.json("/pages/refuse", .post, headers: other, body: "{}").status == 409)
            #expect(try await world.rows("orders").isEmpty)
        }
    }

    @Test("a header that names a role grants nothing")
    func roleHeader() async throws {
        try await ServerWorld.run { world, client in
            var headers = try await world.headers()
            for name in ["X-Role", "X-Roles", "X-User", "X-Forwarded-User"] {
                headers[try #require(HTTPField.Name(name))] = "admin"
            }
            let answer = try await client.json("/pages/place-order", .post, headers: headers, body: #"{"total": 5}"#)
            #expect(answer.status == 401)
        }
    }

    @Test("a revoked token opens nothing from the moment on")
    func revoked() async throws {
        try await ServerWorld.run { world, client in
            let issued = try await world.administration.createToken(for: .ann)
            let headers: HTTPFields = [.contentType: "application/json", .authorization: "bearer \(issued.text)"]
            #expect(try await client.json("/pages/refuse", .post, headers: headers, body: "{}").status == 409)
            try await world.administration.revokeToken(id: issued.summary.id)
            #expect(try await client.json("/pages/refuse", .post, headers: headers, body: "{}").status == 401)
        }
    }

    @Test("an unknown flow and a cloud flow are 404, another method 405")
    func unknown() async throws {
        try await ServerWorld.run { world, client in
            let headers = try await world.headers(.boss)
            for name in ["nothing", "ticket", "nightly", "..", "place-order%00"] {
                #expect(
                    try await client.json("/pages/\(name)", .post, headers: headers, body: "{}").status == 404,
                    "\(name)"
                )
            }
            #expect(try await client.json("/pages/hello", .get, headers: headers, body: nil).status == 405)
        }
    }

    @Test(
        "a body that is not one JSON object is 400",
        arguments: [
            "", "{", "[]", "1", "null", #"{"total": 1, "total": 2}"#, #"{"total": 01}"#, "{\"total\": \"\u{0}\"}",
            #"{"total": 99999999999999999999}"#, String(repeating: "[", count: 5_000),
            "{\"a\":" + String(repeating: "[", count: 40) + String(repeating: "]", count: 40) + "}",
        ]
    )
    func hostileJSON(body: String) async throws {
        try await ServerWorld.run { world, client in
            let headers = try await world.headers(.ann)
            let answer = try await client.json("/pages/place-order", .post, headers: headers, body: body)
            #expect(answer.status == 400)
            #expect(try await world.runs().isEmpty)
        }
    }

    @Test("an input that does not fit the declaration is 422 with every finding")
    func invalidInput() async throws {
        try await ServerWorld.run { world, client in
            let headers = try await world.headers(.ann)
            let body = #"{"total": 0, "role": "admin"}"#
            let answer = try await client.json("/pages/place-order", .post, headers: headers, body: body)
            #expect(answer.status == 422)
            #expect(answer.body["errors"]?.listValue?.compactMap { $0["path"]?.stringValue } == ["total", "role"])
        }
    }

    @Test("a body of another content type is 415")
    func contentType() async throws {
        try await ServerWorld.run { world, client in
            var headers = try await world.headers(.ann)
            for type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", nil] {
                headers[.contentType] = type
                let answer = try await client.json("/pages/place-order", .post, headers: headers, body: #"{"total":1}"#)
                #expect(answer.status == 415, "\(type ?? "none")")
            }
            headers[.contentType] = "Application/JSON; charset=utf-8"
            let answer = try await client.json("/pages/place-order", .post, headers: headers, body: #"{"total":1}"#)
            #expect(answer.status == 200)
        }
    }

    @Test("a body at the limit is read, one byte more is 413")
    func bodyLimit() async throws {
        var configuration = ServerConfiguration()
        configuration.limits.pageBodyBytes = 64
        try await ServerWorld.run(configuration) { world, client in
            let headers = try await world.headers(.ann)
            let fitting = #"{"total": 5}"# + String(repeating: " ", count: 52)
            let uri = "/pages/place-order"
            #expect(try await client.json(uri, .post, headers: headers, body: fitting).status == 200)
            #expect(try await client.json(uri, .post, headers: headers, body: fitting + " ").status == 413)
        }
    }

    @Test("calls with one Idempotency-Key make one order and get one answer, another input with it is refused")
    func idempotency() async throws {
        try await ServerWorld.run { world, client in
            let headers = try await world.headers(.ann, key: "order-1")
            let uri = "/pages/place-order"
            let bodies = try await withThrowingTaskGroup(of: Value.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        try await client.json(uri, .post, headers: headers, body: #"{"total": 700}"#).body
                    }
                }
                return try await group.reduce(into: Set<Value>()) { $0.insert($1) }
            }
            #expect(bodies == [["orderId": 1]])
            #expect(try await world.rows("orders").count == 1)
            let reused = try await client.json(uri, .post, headers: headers, body: #"{"total": 701}"#)
            #expect(reused.status == 422)
            #expect(reused.body["code"] == "idempotency_key_reused")
            #expect(reused.body["title"] == "Idempotency key reused")
        }
    }

    @Test("an Idempotency-Key is 1 to 255 visible ASCII characters", arguments: ["", "a b", "é", "\t"])
    func keyForm(key: String) async throws {
        try await ServerWorld.run { world, client in
            let headers = try await world.headers(.ann, key: key)
            let answer = try await client.json("/pages/place-order", .post, headers: headers, body: #"{"total": 7}"#)
            #expect(answer.status == 400)
        }
    }

    @Test("a call that is not answered within the time limit is 202 with the run, which its caller can ask after")
    func accepted() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .notSent(reason: "no connection", retryable: false)
        }
        try await ServerWorld.with(ServerConfiguration(pageTimeLimit: .zero), transport: transport) { world in
            try await Application(router: world.server.publicRouter()).test(.router) { client in
                let headers = try await world.headers(.ann)
                _ = try await client.json("/pages/place-order", .post, headers: headers, body: #"{"total": 700}"#)
                let answer = try await client.json("/pages/checkout", .post, headers: headers, body: #"{"orderId": 1}"#)
                #expect(answer.status == 202)
                #expect(answer.body == ["run": 2])
                let location = try #require(answer.headers[.location])
                let run = try await client.json(location, .get, headers: headers, body: nil)
                #expect(run.status == 200)
                #expect(run.body["flow"] == "checkout")
                #expect(run.body["answer"] == nil)
                let stranger = try await world.headers(.bob)
                #expect(try await client.json(location, .get, headers: stranger, body: nil).status == 404)
                #expect(try await client.json(location, .get, headers: [:], body: nil).status == 401)
                let admin = try await world.headers(.boss)
                #expect(try await client.json(location, .get, headers: admin, body: nil).status == 200)
                gate.open()
            }
        }
    }
}
