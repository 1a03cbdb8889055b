import Foundation
import HTTPTransport
import Synchronization
import TestSupport
import Testing

@Suite("A request and its answer")
struct HTTPClientTests {
    @Test("a POST arrives as it was written, and the answer comes back whole")
    func roundTrip() async throws {
        let server = try LocalServer { _ in answer("201 Created", headers: ["X-Id: 7", "x-id: 8"], body: "done") }
        defer { server.stop() }
        let response = try await withClient { client in
            try await client.send(
                HTTPRequest(
                    method: "POST",
                    url: server.url("/v1/things?a=b%20c"),
                    headers: ["Authorization": "Bearer t", "X-Empty": ""],
                    body: Array("a=1".utf8)
                )
            )
        }
        #expect(response.status == 201)
        #expect(response.body == Array("done".utf8))
        #expect(response.headers["X-ID"] == "7")
        #expect(response.headers.all("x-id") == ["7", "8"])
        let request = try #require(server.received.first)
        #expect(request.line == "POST /v1/things?a=b%20c HTTP/1.1")
        #expect(request.body == Array("a=1".utf8))
        #expect(request.header("Authorization") == "Bearer t")
        #expect(request.header("X-Empty") == "")
        #expect(request.header("User-Agent") == "runnel")
    }

    @Test(
        "nothing is added to a request that its author did not ask for",
        arguments: ["POST", "PUT", "PATCH", "DELETE"]
    )
    func nothingAdded(method: String) async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        let body = [UInt8](repeating: 65, count: 2 << 20)
        _ = try await withClient { client in
            try await client.send(HTTPRequest(method: method, url: server.url(), body: body))
        }
        let request = try #require(server.received.first)
        #expect(request.body == body)
        #expect(request.line == "\(method) / HTTP/1.1")
        for name in ["Expect", "Content-Type", "Accept-Encoding", "Transfer-Encoding", "Cookie"] {
            #expect(request.header(name) == nil, "\(name)")
        }
    }

    @Test("a POST without a body says so, a GET says nothing")
    func emptyBodies() async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        try await withClient { client in
            _ = try await client.send(HTTPRequest(method: "POST", url: server.url()))
            _ = try await client.send(HTTPRequest(method: "GET", url: server.url()))
        }
        #expect(server.received.map { $0.header("Content-Length") } == ["0", nil])
    }

    @Test("a body may hold any byte, zero included")
    func anyByte() async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        let body = Array(UInt8.min...UInt8.max)
        _ = try await withClient { try await $0.send(HTTPRequest(method: "POST", url: server.url(), body: body)) }
        #expect(server.received.first?.body == body)
    }

    @Test("an answer to HEAD has the headers and no body, however large the body would be")
    func head() async throws {
        let server = try LocalServer { _ in "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n" }
        defer { server.stop() }
        let response = try await withClient { try await $0.send(HTTPRequest(method: "HEAD", url: server.url())) }
        #expect(response.headers["Content-Length"] == "999999999")
        #expect(response.body.isEmpty)
    }

    @Test("a chunked answer is put together, and its trailers are left out")
    func chunked() async throws {
        let server = try LocalServer { _ in
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                + "5\r\nhello\r\n1;x=y\r\n,\r\n6\r\n world\r\n0\r\nX-Sum: 9\r\n\r\n"
        }
        defer { server.stop() }
        let response = try await withClient { try await $0.send(HTTPRequest(url: server.url())) }
        #expect(String(decoding: response.body, as: UTF8.self) == "hello, world")
        #expect(response.headers["X-Sum"] == nil)
    }

    @Test("interim answers are passed over, and their headers with them")
    func interim() async throws {
        let server = try LocalServer { _ in
            "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n" + answer("200 OK", headers: ["X-Late: 1"])
        }
        defer { server.stop() }
        let response = try await withClient { try await $0.send(HTTPRequest(url: server.url())) }
        #expect(response.status == 200)
        #expect(response.headers["X-Early"] == nil)
        #expect(response.headers["X-Late"] == "1")
    }

    @Test("a redirect is an answer", arguments: [301, 302, 303, 307, 308])
    func redirect(status: Int) async throws {
        let server = try LocalServer { _ in answer("\(status) Moved", headers: ["Location: /other"]) }
        defer { server.stop() }
        let response = try await withClient { try await $0.send(HTTPRequest(url: server.url("/first"))) }
        #expect(response.status == status)
        #expect(response.headers["location"] == "/other")
        #expect(server.received.map(\.line) == ["GET /first HTTP/1.1"])
    }

    @Test("a path is sent as it is written")
    func pathAsWritten() async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        _ = try await withClient { try await $0.send(HTTPRequest(url: server.url("/a/../b/./c"))) }
        #expect(server.received.first?.line == "GET /a/../b/./c HTTP/1.1")
    }

    @Test("requests one after another share a connection")
    func keepAlive() async throws {
        let server = try LocalServer { _ in answer(body: "x") }
        defer { server.stop() }
        try await withClient { client in
            for _ in 0..<20 { _ = try await client.send(HTTPRequest(url: server.url())) }
        }
        #expect(server.received.count == 20)
        #expect(server.connectionCount == 1)
    }

    @Test("a unix socket is reached, and the URL's host is only named")
    func unixSocket() async throws {
        let path = NSTemporaryDirectory() + "runnel-\(ProcessInfo.processInfo.processIdentifier)-http.sock"
        unlink(path)
        defer { unlink(path) }
        let server = try LocalServer(path: path) { _ in answer(body: "here") }
        defer { server.stop() }
        let response = try await withClient { client in
            try await client.send(
                HTTPRequest(url: "http://runnel/ping", unixSocket: path, addressPolicy: .loopbackOnly)
            )
        }
        #expect(response.body == Array("here".utf8))
        #expect(server.received.first?.header("Host") == "runnel")
    }

    @Test("64 requests are under way at once")
    func concurrency() async throws {
        // No request is answered before all have arrived, so the test ends only if they overlap.
        let gate = Gate(opensAt: 64)
        let server = try LocalServer { request in
            gate.arriveAndWait()
            return answer(body: request.line)
        }
        defer { server.stop() }
        let bodies = try await withClient { client in
            try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<64 {
                    group.addTask {
                        let response = try await client.send(HTTPRequest(url: server.url("/\(number)")))
                        return String(decoding: response.body, as: UTF8.self)
                    }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
        }
        #expect(bodies == Set((0..<64).map { "GET /\($0) HTTP/1.1" }))
    }

    @Test("no more requests are under way than allowed, and the others get their turn")
    func transfersMax() async throws {
        let level = Mutex((now: 0, most: 0))
        let server = try LocalServer { _ in
            level.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            sched_yield()
            level.withLock { $0.now -= 1 }
            return answer()
        }
        defer { server.stop() }
        let statuses = try await withClient({ $0.transfersMax = 3 }) { client in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<40 { group.addTask { try await client.send(HTTPRequest(url: server.url())).status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(statuses == Array(repeating: 200, count: 40))
        #expect(level.withLock { $0.most } <= 3)
        #expect(server.connectionCount <= 3)
    }

    @Test("proxy settings of the environment have no say")
    func environment() async {
        await #expect(processExitsWith: .success) {
            for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] { setenv(name, "http://127.0.0.1:1", 1) }
            let server = try LocalServer { _ in answer() }
            let client = HTTPClient()
            let response = try await client.send(HTTPRequest(url: server.url()))
            precondition(response.status == 200)
        }
    }

    @Test("a configured proxy gets the request, but none that may reach loopback alone")
    func proxy() async throws {
        let proxy = try LocalServer { _ in answer(body: "proxy") }
        let server = try LocalServer { _ in answer(body: "server") }
        defer {
            proxy.stop()
            server.stop()
        }
        try await withClient({ $0.proxy = .init(url: proxy.url("")) }) { client in
            let through = try await client.send(HTTPRequest(url: "http://shop.example/x"))
            #expect(through.body == Array("proxy".utf8))
            let direct = try await client.send(HTTPRequest(url: server.url(), addressPolicy: .loopbackOnly))
            #expect(direct.body == Array("server".utf8))
        }
        #expect(proxy.received.map(\.line) == ["GET http://shop.example/x HTTP/1.1"])
    }
}

/// Lets everybody through once enough have arrived.
private final class Gate: Sendable {
    private let arrived = Mutex(0)
    private let condition = NSCondition()
    private let opensAt: Int

    init(opensAt: Int) { self.opensAt = opensAt }

    func arriveAndWait() {
        condition.lock()
        defer { condition.unlock() }
        if arrived.withLock({
            $0 += 1; return $0
        }) >= opensAt {
            condition.broadcast()
        }
        while arrived.withLock({ $0 }) < opensAt { condition.wait() }
    }
}
