import Foundation
import HTTPTransport
import Synchronization
import TestSupport
import Testing

@Suite("No answer, and what may have happened")
struct HTTPFailureTests {
    /// The error of a request that must not succeed.
    private func failure(
        of request: HTTPRequest,
        _ configure: (inout HTTPClient.Configuration) -> Void = { _ in }
    ) async throws -> HTTPError {
        try await withClient(configure) { client in
            try await #require(throws: HTTPError.self) { try await client.send(request) }
        }
    }

    @Test("where nobody listens, nothing was sent")
    func refused() async throws {
        // Bound and not listening: the port is nobody else's, and connecting to it is refused.
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(descriptor, $0, length)
                _ = getsockname(descriptor, $0, &length)
            }
        }
        let port = UInt16(bigEndian: address.sin_port)
        let error = try await failure(of: HTTPRequest(method: "POST", url: "http://127.0.0.1:\(port)/"))
        #expect(error.code == .couldNotConnect)
        #expect(!error.requestMayHaveBeenSent)
        #expect(error.authority == "127.0.0.1:\(port)")
    }

    @Test("a unix socket that is not there is not connected to")
    func missingSocket() async throws {
        let error = try await failure(of: HTTPRequest(url: "http://runnel/", unixSocket: "/nonexistent/socket"))
        #expect(error.code == .couldNotConnect)
        #expect(!error.requestMayHaveBeenSent)
    }

    @Test("a peer that reads the request and closes leaves it open whether it acted", arguments: [false, true])
    func closedBeforeTheAnswer(byReset: Bool) async throws {
        let server = try LocalServer { connection, _ in
            _ = connection.readRequest()
            if byReset { connection.reset() }
        }
        defer { server.stop() }
        let error = try await failure(of: HTTPRequest(method: "POST", url: server.url(), body: [1]))
        #expect(error.code == .connectionLost)
        #expect(error.requestMayHaveBeenSent)
        #expect(server.received.count == 1)
    }

    @Test(
        "an answer that breaks off is no answer",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
            "HTTP/1.1 200 OK\r\nContent-Le",
        ]
    )
    func torn(text: String) async throws {
        let server = try LocalServer { connection, _ in
            _ = connection.readRequest()
            connection.write(text)
        }
        defer { server.stop() }
        let error = try await failure(of: HTTPRequest(method: "POST", url: server.url()))
        #expect(error.code == .connectionLost || error.code == .malformedResponse)
        #expect(error.requestMayHaveBeenSent)
    }

    @Test(
        "what is not HTTP is refused",
        arguments: [
            "220 mail.example ESMTP\r\n", "<html>", "HTTP/1.1 abc\r\n\r\n", "\0\0\0\r\n\r\n", "HTTP/7.7 200 OK\r\n\r\n",
        ]
    )
    func notHTTP(text: String) async throws {
        let server = try LocalServer { connection, _ in
            _ = connection.readRequest()
            connection.write(text)
        }
        defer { server.stop() }
        let error = try await failure(of: HTTPRequest(url: server.url(), resending: .never))
        #expect(error.code == .malformedResponse || error.code == .connectionLost)
        #expect(error.requestMayHaveBeenSent)
    }

    @Test("a peer that never answers is given up after the timeout")
    func timeout() async throws {
        let server = try LocalServer { connection, _ in
            _ = connection.readRequest()
            connection.waitForEnd()
        }
        defer { server.stop() }
        let error = try await failure(of: HTTPRequest(url: server.url(), timeout: .milliseconds(100)))
        #expect(error.code == .timedOut)
        #expect(error.requestMayHaveBeenSent)
    }

    @Test("a peer that trickles is given up after the same timeout")
    func trickle() async throws {
        let server = try LocalServer { connection, _ in
            _ = connection.readRequest()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n1234")
            connection.waitForEnd()
        }
        defer { server.stop() }
        let error = try await failure(of: HTTPRequest(url: server.url(), timeout: .milliseconds(100)))
        #expect(error.code == .timedOut)
    }

    @Test("a TLS handshake that never ends counts as connecting, so nothing was sent")
    func silentHandshake() async throws {
        let server = try LocalServer { connection, _ in connection.waitForEnd() }
        defer { server.stop() }
        let request = HTTPRequest(url: "https://127.0.0.1:\(server.port)/", connectTimeout: .milliseconds(100))
        let error = try await failure(of: request)
        #expect(error.code == .couldNotConnect)
        #expect(!error.requestMayHaveBeenSent)
    }

    @Test("a peer that does not speak TLS gets nothing of the request")
    func plainPeer() async throws {
        let server = try LocalServer { connection, _ in connection.write("HTTP/1.1 400 Bad Request\r\n\r\n") }
        defer { server.stop() }
        let error = try await failure(of: HTTPRequest(url: "https://127.0.0.1:\(server.port)/"))
        #expect(error.code == .tls)
        #expect(!error.requestMayHaveBeenSent)
    }

    @Test("a body at the limit passes, one byte more does not", arguments: ["length", "chunked", "close"])
    func tooLarge(framing: String) async throws {
        let server = try LocalServer { connection, _ in
            guard connection.readRequest() != nil else { return }
            let body = String(repeating: "x", count: 1_000)
            switch framing {
            case "length": connection.write(answer(body: body))
            case "chunked":
                connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n\(body)\r\n0\r\n\r\n")
            default: connection.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\(body)")
            }
        }
        defer { server.stop() }
        let response = try await withClient { client in
            try await client.send(HTTPRequest(url: server.url(), responseBytesMax: 1_000))
        }
        #expect(response.body.count == 1_000)
        let error = try await failure(of: HTTPRequest(url: server.url(), responseBytesMax: 999))
        #expect(error.code == .responseTooLarge)
        #expect(error.requestMayHaveBeenSent)
    }

    @Test("a head without end is refused", arguments: ["fields", "interim", "one line"])
    func endlessHead(kind: String) async throws {
        let server = try LocalServer { connection, _ in
            _ = connection.readRequest()
            connection.write(kind == "interim" ? "HTTP/1.1 103 Early Hints\r\n" : "HTTP/1.1 200 OK\r\n")
            let piece =
                switch kind {
                case "fields": "X-Field: \(String(repeating: "y", count: 90))\r\n"
                case "interim": "\r\nHTTP/1.1 103 Early Hints\r\n"
                default: String(repeating: "y", count: 1_000)
                }
            for _ in 0..<20_000 { connection.write(piece) }
        }
        defer { server.stop() }
        let error = try await failure(of: HTTPRequest(url: server.url()))
        #expect(error.code == .responseTooLarge)
    }

    @Test("a cancelled task gets its error, and the peer sees the connection end")
    func cancellation() async throws {
        let (arrivals, arrived) = AsyncStream<Void>.makeStream()
        let (ends, ended) = AsyncStream<Void>.makeStream()
        let server = try LocalServer { connection, _ in
            _ = connection.readRequest()
            arrived.yield()
            connection.waitForEnd()
            ended.yield()
        }
        defer { server.stop() }
        try await withClient { client in
            let task = Task { try await client.send(HTTPRequest(method: "POST", url: server.url())) }
            for await _ in arrivals { break }
            task.cancel()
            let error = try await #require(throws: HTTPError.self) { try await task.value }
            #expect(error.code == .cancelled)
            #expect(error.requestMayHaveBeenSent)
            for await _ in ends { break }
        }
    }

    @Test("a task that was cancelled before sends nothing")
    func cancelledBefore() async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        try await withClient { client in
            let (starts, start) = AsyncStream<Void>.makeStream()
            let task = Task {
                for await _ in starts { break }
                return try await client.send(HTTPRequest(url: server.url()))
            }
            task.cancel()
            start.yield()
            let error = try await #require(throws: HTTPError.self) { try await task.value }
            #expect(error.code == .cancelled)
            #expect(!error.requestMayHaveBeenSent)
        }
        #expect(server.received.isEmpty)
    }

    @Test("a request that waits for its turn can be cancelled, time out, or be turned away; nothing was sent")
    func waiting() async throws {
        let (arrivals, arrived) = AsyncStream<Void>.makeStream()
        let server = try LocalServer { connection, _ in
            _ = connection.readRequest()
            arrived.yield()
            connection.waitForEnd()
        }
        defer { server.stop() }
        let configure = { (configuration: inout HTTPClient.Configuration) in
            configuration.transfersMax = 1
            configuration.waitingMax = 1
        }
        try await withClient(configure) { client in
            let first = Task { try await client.send(HTTPRequest(url: server.url())) }
            for await _ in arrivals { break }
            let late = try await #require(throws: HTTPError.self) {
                try await client.send(HTTPRequest(url: server.url(), timeout: .milliseconds(50)))
            }
            #expect(late.code == .timedOut && !late.requestMayHaveBeenSent)
            let second = Task { try await client.send(HTTPRequest(url: server.url())) }
            let third = Task { try await client.send(HTTPRequest(url: server.url())) }
            // One of the two has the only waiting place, the other is turned away.
            let outcomes = AsyncStream<HTTPError.Code> { stream in
                for task in [second, third] {
                    Task {
                        let error = await #expect(throws: HTTPError.self) { try await task.value }
                        #expect(error?.requestMayHaveBeenSent == false)
                        if let error { stream.yield(error.code) }
                    }
                }
            }
            var codes = outcomes.makeAsyncIterator()
            #expect(await codes.next() == .overloaded)
            second.cancel()
            third.cancel()
            #expect(await codes.next() == .cancelled)
            first.cancel()
            _ = await first.result
        }
        #expect(server.received.count == 1)
    }

    @Test("shutting down ends what is under way, and nothing starts afterwards")
    func shutdown() async throws {
        let (arrivals, arrived) = AsyncStream<Void>.makeStream()
        let server = try LocalServer { connection, _ in
            _ = connection.readRequest()
            arrived.yield()
            connection.waitForEnd()
        }
        defer { server.stop() }
        let client = HTTPClient()
        let task = Task { try await client.send(HTTPRequest(url: server.url())) }
        for await _ in arrivals { break }
        await client.shutdown()
        let open = try await #require(throws: HTTPError.self) { try await task.value }
        #expect(open.code == .shutDown && open.requestMayHaveBeenSent)
        await client.shutdown()
        let late = try await #require(throws: HTTPError.self) { try await client.send(HTTPRequest(url: server.url())) }
        #expect(late.code == .shutDown && !late.requestMayHaveBeenSent)
        #expect(server.received.count == 1)
    }

    @Test("a client that was never used is shut down at once")
    func unused() async {
        await HTTPClient().shutdown()
    }

    @Test("a client that nobody holds any more closes its connections")
    func released() async throws {
        let (ends, ended) = AsyncStream<Void>.makeStream()
        let server = try LocalServer { connection, _ in
            while connection.readRequest() != nil { connection.write(answer()) }
            ended.yield()
        }
        defer { server.stop() }
        _ = try await HTTPClient().send(HTTPRequest(url: server.url()))
        for await _ in ends { break }
    }
}

@Suite("A connection that dies when it is used again")
struct HTTPResendingTests {
    /// Answers the first request of the first connection, takes a second one there and closes; answers all others.
    private func server() throws -> LocalServer {
        try LocalServer { connection, number in
            guard connection.readRequest() != nil else { return }
            connection.write(answer())
            guard connection.readRequest() != nil, number > 0 else { return }
            connection.write(answer())
        }
    }

    @Test(
        "what may be repeated is sent again on a new connection",
        arguments: [
            ("GET", HTTPRequest.Resending.idempotentMethods), ("DELETE", .idempotentMethods), ("POST", .always),
        ]
    )
    func repeated(method: String, resending: HTTPRequest.Resending) async throws {
        let server = try server()
        defer { server.stop() }
        let status = try await withClient { client in
            _ = try await client.send(HTTPRequest(url: server.url("/first")))
            let request = HTTPRequest(method: method, url: server.url("/second"), resending: resending)
            return try await client.send(request).status
        }
        #expect(status == 200)
        #expect(server.received.map(\.line).filter { $0.contains("/second") }.count == 2)
        #expect(server.connectionCount == 2)
    }

    @Test(
        "a POST is never sent twice in silence",
        arguments: [
            ("POST", HTTPRequest.Resending.idempotentMethods), ("PATCH", .idempotentMethods), ("GET", .never),
        ]
    )
    func notRepeated(method: String, resending: HTTPRequest.Resending) async throws {
        let server = try server()
        defer { server.stop() }
        try await withClient { client in
            _ = try await client.send(HTTPRequest(url: server.url("/first")))
            let request = HTTPRequest(method: method, url: server.url("/second"), body: [], resending: resending)
            let error = try await #require(throws: HTTPError.self) { try await client.send(request) }
            #expect(error.code == .connectionLost)
            #expect(error.requestMayHaveBeenSent)
        }
        #expect(server.received.map(\.line).filter { $0.contains("/second") }.count == 1)
    }
}
