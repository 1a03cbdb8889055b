import Expressions
import FlowEngine
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Testing

@testable import FlowServer

@Suite("The gate that every request passes")
struct RequestGateTests {
    private struct Unforeseen: Error, CustomStringConvertible {
        var description: String { "the secret sauce" }
    }

    private func application(places: Int = 10) -> some ApplicationProtocol {
        var table = RouteTable()
        table.add(.get, "/fine", access: .anyone) { _, _ in try .json(["fine": true]) }
        table.add(.post, "/fine/:id", access: .anyone) { _, context in
            try .json(["id": .string(context.parameters.get("id") ?? "")])
        }
        table.add(.get, "/healthz", access: .anyone) { _, _ in try .json(["status": "ok"]) }
        table.add(.get, "/broken", access: .anyone) { _, _ in throw Unforeseen() }
        table.add(.get, "/store", access: .anyone) { _, _ in throw StoreError(.unavailable, "disk /dev/sda1 is gone") }
        let gate = RequestGate(
            hosts: HostPolicy(publicHosts: [], allowedOrigins: ["https://pages.example.com"]),
            places: RequestPlaces(limit: places),
            counts: RequestCounts(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        return Application(router: table.router(behind: gate))
    }

    @Test("an unknown path is 404 and a known one under another method 405 with the methods that it has")
    func unknown() async throws {
        try await application().test(.router) { client in
            let missing = try await client.problem("/nowhere", .get)
            #expect(missing.status == 404)
            #expect(missing.body["type"] == "urn:runnel:problem:not_found")
            #expect(missing.headers[.contentType] == "application/problem+json")
            let method = try await client.problem("/fine", .delete)
            #expect(method.status == 405)
            #expect(method.headers[.allow] == "GET")
            #expect(try await client.problem("/fine/7", .get).headers[.allow] == "POST")
        }
    }

    @Test("an error that nobody foresaw is 500 with the request's id and without a word of what it was")
    func unforeseen() async throws {
        try await application().test(.router) { client in
            let answer = try await client.problem("/broken", .get)
            #expect(answer.status == 500)
            #expect(!answer.text.contains("sauce"))
            let id = try #require(answer.headers[.requestID])
            #expect(answer.body["instance"] == .string("urn:runnel:request:\(id)"))
        }
    }

    @Test("a failing store is 503 with a time to come back, and its message stays inside")
    func store() async throws {
        try await application().test(.router) { client in
            let answer = try await client.problem("/store", .get)
            #expect(answer.status == 503)
            #expect(answer.headers[.retryAfter] == "1")
            #expect(!answer.text.contains("sda1"))
        }
    }

    @Test("a request beyond the places in progress is 503")
    func places() async throws {
        try await application(places: 0).test(.router) { client in
            let answer = try await client.problem("/fine", .get)
            #expect(answer.status == 503)
            #expect(answer.headers[.retryAfter] == "1")
        }
    }

    @Test("who watches the server gets through when every place is taken")
    func watchers() async throws {
        try await application(places: 0).test(.router) { client in
            let answer = try await client.problem("/healthz", .get)
            #expect(answer.status == 200)
        }
    }

    @Test("answers are not cached, not sniffed, and show another site's page only when it is configured")
    func headers() async throws {
        try await application().test(.router) { client in
            try await client.execute(uri: "/fine", method: .get) { response in
                #expect(response.headers[.cacheControl] == "no-store")
                #expect(response.headers[.xContentTypeOptions] == "nosniff")
                #expect(response.headers[.accessControlAllowOrigin] == nil)
            }
            let page: HTTPFields = [.origin: "https://pages.example.com"]
            try await client.execute(uri: "/fine", method: .get, headers: page) { response in
                #expect(response.headers[.accessControlAllowOrigin] == "https://pages.example.com")
            }
            #expect(try await client.problem("/fine", .get, headers: [.origin: "https://evil.example"]).status == 403)
        }
    }

    @Test("a browser's preflight is answered for a configured origin alone")
    func preflight() async throws {
        try await application().test(.router) { client in
            var fields: HTTPFields = [.origin: "https://pages.example.com", .accessControlRequestMethod: "POST"]
            try await client.execute(uri: "/fine/7", method: .options, headers: fields) { response in
                #expect(response.status == .noContent)
                #expect(response.headers[.accessControlAllowOrigin] == "https://pages.example.com")
            }
            fields[.origin] = "http://localhost"
            #expect(try await client.problem("/fine/7", .options, headers: fields).status == 405)
        }
    }
}

/// An answer that is problem details, or any other JSON.
struct JSONAnswer {
    var status: Int
    var headers: HTTPFields
    var text: String
    var body: Value
}

extension TestClientProtocol {
    /// Sends a request without a body and reads the JSON of the answer.
    func problem(
        _ uri: String,
        _ method: HTTPRequest.Method,
        headers: HTTPFields = [:]
    ) async throws -> JSONAnswer {
        try await json(uri, method, headers: headers, body: nil)
    }

    /// Sends a request and reads the JSON of the answer.
    func json(
        _ uri: String,
        _ method: HTTPRequest.Method,
        headers: HTTPFields,
        body: String?
    ) async throws -> JSONAnswer {
        let response = try await executeRequest(
            uri: uri,
            method: method,
            headers: headers,
            body: body.map { ByteBuffer(string: $0) }
        )
        let text = String(buffer: response.body)
        return JSONAnswer(
            status: response.status.code,
            headers: response.headers,
            text: text,
            body: text.isEmpty ? .null : try JSON.parse(text)
        )
    }
}
