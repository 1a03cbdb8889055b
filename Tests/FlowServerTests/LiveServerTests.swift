import Connections
import Expressions
import FlowEngine
import Foundation
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import FlowServer

/// Over sockets: what only a listener shows.
@Suite("The running server", .timeLimit(.minutes(3)))
struct LiveServerTests {
    private typealias Body = @Sendable (ServerWorld, Int, AdminClient) async throws -> Void

    /// Runs a server on a free port with an admin socket in a folder of its own, and stops it gracefully.
    private static func serve(
        transport: any FlowEngine.Transport = ScriptedTransport(),
        bodyTimeLimit: Duration = .seconds(20),
        _ body: @escaping Body
    ) async throws {
        try await serve(
            transport: transport,
            bodyTimeLimit: bodyTimeLimit,
            stopping: { world, port, client, stop in
                try await body(world, port, client)
                await stop()
            }
        )
    }

    /// Leaves the stop to `body`.
    private static func serve(
        transport: any FlowEngine.Transport,
        bodyTimeLimit: Duration = .seconds(20),
        stopping body:
            @escaping @Sendable (ServerWorld, Int, AdminClient, _ stop: @escaping @Sendable () async -> Void)
            async throws -> Void
    ) async throws {
        let ready = AsyncStream.makeStream(of: Int.self)
        let folder = NSTemporaryDirectory() + "rnl-" + UUID().uuidString.prefix(8)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let socket = folder + "/admin.sock"
        var configuration = ServerConfiguration(
            port: 0,
            adminSocket: socket,
            answerGrace: .zero,
            publicHosts: ["shop.example.com"]
        )
        configuration.limits.bodyTimeLimit = bodyTimeLimit
        let announce: @Sendable (Int) async -> Void = { ready.continuation.yield($0) }
        try await ServerWorld.with(configuration, transport: transport, onReady: announce) { world in
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(services: [world.server], logger: .init(label: "quiet"))
            )
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                var ports = ready.stream.makeAsyncIterator()
                let port = try #require(await ports.next())
                try await body(world, port, AdminClient(socket: socket)) { await group.triggerGracefulShutdown() }
                try await tasks.waitForAll()
            }
        }
        #expect(!FileManager.default.fileExists(atPath: socket))
    }

    private static func get(_ port: Int, _ uri: String, host: String?) async throws -> TestClient.Response {
        try await TestClient.withClient(host: "127.0.0.1", port: port) { client in
            try await client.execute(.init(uri, method: .get, authority: host, headers: [.connection: "close"]))
        }
    }

    @Test("the admin socket is its owner's alone, and gone after a stop")
    func socketMode() async throws {
        try await Self.serve { _, _, client in
            let path = try #require(Mirror(reflecting: client).children.first?.value as? String)
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let folder = (path as NSString).deletingLastPathComponent
            #expect(try FileManager.default.attributesOfItem(atPath: folder)[.posixPermissions] as? Int == 0o700)
        }
    }

    @Test("a Host that was made to point here is refused, a configured one is served, health needs no token")
    func hosts() async throws {
        try await Self.serve { _, port, _ in
            var statuses: [Int] = []
            for host in ["evil.example", "shop.example.com", "127.0.0.1:\(port)"] {
                statuses.append(try await Self.get(port, "/healthz", host: host).status.code)
            }
            #expect(statuses == [403, 200, 200])
            let two = "GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            #expect(try await Self.answer(to: two, port: port).hasPrefix("HTTP/1.1 400"))
            let ready = try await Self.get(port, "/readyz", host: "localhost")
            #expect(ready.status == .ok)
            let admin = try await Self.get(port, "/admin/status", host: "localhost")
            #expect(admin.status == .notFound)
        }
    }

    @Test("a body that does not come is answered with 408, and the connection closed")
    func slowBody() async throws {
        try await Self.serve(bodyTimeLimit: .milliseconds(20)) { _, port, _ in
            let head = "POST /pages/hello HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            let answer = try await Self.answer(to: head + "Content-Length: 10\r\n\r\n{", port: port)
            #expect(answer.hasPrefix("HTTP/1.1 408"))
            #expect(answer.contains("body_too_slow"))
        }
    }

    @Test(
        "a body that its sender holds back is asked for where it is wanted, and refused by its head where that will do"
    )
    func heldBackBody() async throws {
        try await Self.serve { world, port, _ in
            let token = try #require(try await world.headers(.ann)[.authorization])
            func head(_ length: Int, _ more: String = "") -> String {
                "POST /pages/place-order HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    + "Connection: close\r\nExpect: 100-continue\r\nContent-Length: \(length)\r\n\(more)\r\n"
            }
            let bearer = "Authorization: \(token)\r\n"
            let body = #"{"total": 700}"#
            let served = try await Self.answer(to: head(body.utf8.count, bearer), then: body, port: port)
            #expect(served.hasPrefix("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"))
            let stranger = try await Self.answer(to: head(body.utf8.count), then: body, port: port)
            #expect(stranger.hasPrefix("HTTP/1.1 401"))
            let large = try await Self.answer(to: head(1 << 30, bearer), then: body, port: port)
            #expect(large.hasPrefix("HTTP/1.1 413"))
        }
    }

    @Test("an answer to HEAD ends with its head, whatever its status, so that the next answer is read whole")
    func headWithoutBody() async throws {
        try await Self.serve { _, port, _ in
            let heads = ["/healthz", "/nowhere", "/pages/hello"].map {
                "HEAD \($0) HTTP/1.1\r\nHost: localhost\r\n\r\n"
            }
            let last = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            let answer = try await Self.answer(to: heads.joined() + last, port: port)
            let parts = answer.components(separatedBy: "\r\n\r\n")
            let begins = parts.map { String($0.prefix(12)) }
            #expect(begins.dropLast() == ["HTTP/1.1 200", "HTTP/1.1 404", "HTTP/1.1 405", "HTTP/1.1 200"])
            #expect(parts.last == #"{"status":"ok"}"#)
            for head in parts.prefix(3) {
                let length = head.lowercased().components(separatedBy: "content-length: ").last?.prefix { $0.isNumber }
                #expect(length.flatMap { Int($0) } ?? 0 > 0, "\(head)")
            }
        }
    }

    private static func stripeEvent(_ id: String, signedAt time: Timestamp, _ more: String = "") -> String {
        let body =
            #"{"id":"\#(id)","object":"event","type":"customer.updated","created":1795168800,"livemode":false,"#
            + #""data":{"object":{"id":"cus_1","object":"customer"}}}"#
        let signature = StripeSignature.sign(body: Array(body.utf8), secret: ServerWorld.stripeSecret, at: time)
        return "POST /hooks/stripe HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Stripe-Signature: \(signature)\r\nContent-Length: \(body.utf8.count)\r\n\(more)\r\n\(body)"
    }

    /// Each answer's status line and header names, and its body.
    private static func answers(in text: String) -> [(status: String, names: Set<String>, body: String)] {
        text.components(separatedBy: "HTTP/1.1 ").dropFirst().map { answer in
            let parts = answer.components(separatedBy: "\r\n\r\n")
            let lines = parts[0].components(separatedBy: "\r\n")
            let names = lines.dropFirst().map { $0.prefix { $0 != ":" }.lowercased() }
            return (lines[0], Set(names), parts.dropFirst().joined())
        }
    }

    @Test("an event of Stripe gets the same answer on the short way as on the long one, and is counted")
    func stripeEvents() async throws {
        try await Self.serve { world, port, _ in
            let now = world.clock.now()
            let short = Self.stripeEvent("evt_1", signedAt: now)
            let long = Self.stripeEvent("evt_1", signedAt: now, "Connection: keep-alive\r\n")
            let forged = short.replacing("cus_1", with: "cus_2")
            let forgedLong = long.replacing("cus_1", with: "cus_2")
            let end = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            var text = ""
            // One after the other: behind an answer that is to come, the short way is closed.
            for request in [short, short, long, forged, forgedLong] {
                text += try await Self.answer(to: request + Self.closing, port: port)
            }
            text += try await Self.answer(to: end, port: port)
            let answers = Self.answers(in: text).filter { !$0.status.hasPrefix("404") }
            #expect(answers.map { $0.status.prefix(3) } == ["200", "200", "200", "400", "400", "200"])
            #expect(
                answers.prefix(3).map(\.body)
                    == [#"{"received":true}"#] + Array(repeating: #"{"received":true,"repeated":true}"#, count: 2)
            )
            #expect(answers[1].names == answers[2].names)
            #expect(answers[3].names == answers[4].names)
            #expect(answers[3].body.contains("signature_invalid"))
            #expect(answers[1].names.isSuperset(of: ["date", "x-request-id", "cache-control", "content-length"]))
            let counted = answers[5].body
            #expect(counted.contains(#"route="/hooks/stripe",method="POST",status="200"} 3"#), "\(counted)")
            #expect(counted.contains(#"route="/hooks/stripe",method="POST",status="400"} 2"#))
            let refusals = try await world.engine.store.read { reader throws(StoreError) in
                try reader.auditRecords(limit: 10).filter { $0.reason == "signature_invalid" }.count
            }
            #expect(refusals == 2)
        }
    }

    /// Ends the connection, so that its answers can be read to their end.
    private static let closing = "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    @Test("events and other requests that were sent without waiting are answered in their order")
    func pipelinedEvents() async throws {
        try await Self.serve { world, port, _ in
            let now = world.clock.now()
            let events = (1...3).map { Self.stripeEvent("evt_\($0)", signedAt: now) }
            let health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
            let strange = events[0].replacing("Host: localhost", with: "Host: evil.example")
            let text = try await Self.answer(
                to: events[0] + health + events[1] + events[1] + strange + events[2] + Self.closing,
                port: port
            )
            #expect(
                Self.answers(in: text).map { $0.status.prefix(3) } == ["200", "200", "200", "200", "403", "200", "404"]
            )
            let bodies = Self.answers(in: text).map(\.body)
            #expect(bodies[1] == #"{"status":"ok"}"#)
            #expect(bodies[3] == #"{"received":true,"repeated":true}"#)
            let stored = try await world.engine.store.read { reader throws(StoreError) in
                try reader.deliveries(matching: DeliveryFilter()).count
            }
            #expect(stored == 3)
        }
    }

    @Test("a sender that closes its side behind an event still gets its answer")
    func closedSide() async throws {
        try await Self.serve { world, port, _ in
            let event = Self.stripeEvent("evt_1", signedAt: world.clock.now())
            let connection = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .channelOption(.allowRemoteHalfClosure, value: true)
                .connect(host: "127.0.0.1", port: port).get()
            let channel = try await connection.eventLoop.submit {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                    wrappingChannelSynchronously: connection,
                    configuration: .init(isOutboundHalfClosureEnabled: true)
                )
            }.get()
            let answer = try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: event))
                outbound.finish()
                var answer = ""
                for try await bytes in inbound { answer += String(buffer: bytes) }
                return answer
            }
            #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
            #expect(answer.hasSuffix(#"{"received":true}"#))
        }
    }

    /// Sends `text`, and `body` when asked to go on with it, and reads until the server closes the connection.
    private static func answer(to text: String, then body: String? = nil, port: Int) async throws -> String {
        let connection = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port).get()
        // Not before there is a connection: one that fails would end the process by its unused writer.
        let channel = try await connection.eventLoop.submit {
            try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: connection)
        }.get()
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: text))
            var answer = ""
            var body = body
            for try await bytes in inbound {
                answer += String(buffer: bytes)
                if let next = body, answer.hasSuffix("100 Continue\r\n\r\n") {
                    body = nil
                    try await outbound.write(ByteBuffer(string: next))
                }
            }
            return answer
        }
    }

    @Test("headers beyond the limit are refused before anything looks at them")
    func headerLimit() async throws {
        try await Self.serve { _, port, _ in
            try await TestClient.withClient(host: "127.0.0.1", port: port) { client in
                let long = String(repeating: "x", count: 40 << 10)
                let response = try await client.execute(
                    .init("/healthz", method: .get, authority: "localhost", headers: [.accept: long])
                )
                #expect(response.status == .badRequest)
            }
        }
    }

    @Test("an operator starts, lists and shows runs, and manages tokens and secrets, through the admin socket")
    func administration() async throws {
        try await Self.serve { world, port, client in
            let status = try await client.status()
            #expect(status.port == port)
            #expect(status.app == "shop")
            #expect(status.processID == ProcessInfo.processInfo.processIdentifier)
            let run = try await client.start("nightly", input: ["text": "good night"])
            let report = try await client.report(of: run, waiting: .seconds(20))
            #expect(report.summary.status == .succeeded)
            #expect(report.steps.map(\.block) == ["insert-record"])
            let direct = try await world.administration.report(of: run)
            #expect(report == direct)
            #expect(try await client.runs(matching: RunFilter(flow: "nightly")).map(\.id) == [run])
            #expect(try await client.runs(matching: RunFilter(statuses: [.failed])).isEmpty)

            let issued = try await client.createToken(for: .ann)
            #expect(AccessToken(issued.text) != nil)
            #expect(try await client.tokens() == [issued.summary])
            try await client.revokeToken(id: issued.summary.id)
            #expect(try await client.tokens().first?.revokedAt != nil)

            try await client.setSecret("hooks.signed.secret", to: Secret("a new one"))
            #expect(try await client.secretNames() == ["hooks.signed.secret"])
            #expect(world.secrets.secret(named: "hooks.signed.secret")?.reveal() == "a new one")
            try await client.removeSecret("hooks.signed.secret")
            #expect(try await client.secretNames().isEmpty)
        }
    }

    @Test("what an operator gets wrong is told in words and changes nothing")
    func administrationRefusals() async throws {
        try await Self.serve { _, _, client in
            await #expect(throws: AdministrationError.self) { try await client.report(of: RunID(404)) }
            await #expect(throws: AdministrationError.self) { try await client.start("nothing", input: [:]) }
            await #expect(throws: AdministrationError.self) { try await client.start("nightly", input: [:]) }
            await #expect(throws: AdministrationError.self) {
                try await client.createToken(for: Caller(id: "x", roles: ["owner"]))
            }
            await #expect(throws: AdministrationError.self) { try await client.revokeToken(id: "t0") }
            await #expect(throws: AdministrationError.self) {
                try await client.setSecret("stripe.test.secretKey", to: Secret("sk_live_0123456789abcdefghijklmn"))
            }
            let tokens = try await client.tokens()
            #expect(tokens.isEmpty)
            let names = try await client.secretNames()
            #expect(names.isEmpty)
        }
    }

    @Test("at a stop a caller who still waits is told the run's id, and the server ends")
    func stop() async throws {
        let gate = Gate()
        let transport = ScriptedTransport { _, _ in
            await gate.pass()
            return .notSent(reason: "no connection", retryable: false)
        }
        try await Self.serve(
            transport: transport,
            stopping: { world, port, _, stop in
                let headers = try await world.headers(.ann)
                try await TestClient.withClient(host: "127.0.0.1", port: port) { client in
                    @Sendable func post(_ flow: String, _ body: String) async throws -> TestClient.Response {
                        let buffer = ByteBuffer(string: body)
                        return try await client.execute(
                            .init(
                                "/pages/\(flow)",
                                method: .post,
                                authority: "localhost",
                                headers: headers,
                                body: buffer
                            )
                        )
                    }
                    _ = try await post("place-order", #"{"total": 700}"#)
                    async let waiting = post("checkout", #"{"orderId": 1}"#)
                    await transport.waitForSent(1)
                    await stop()
                    let answer = try await waiting
                    #expect(answer.status == .accepted)
                    #expect(answer.headers[.location] == "/runs/2")
                }
                gate.open()
            }
        )
    }

    @Test("so is a caller whose answer comes in chunks, and the transfer ends whole")
    func stopOfChunks() async throws {
        try await Self.serve(
            transport: ScriptedTransport(),
            stopping: { world, port, _, stop in
                _ = try await HookAnswerTests.occupy("pulse", world)
                try await TestClient.withClient(host: "127.0.0.1", port: port) { client in
                    async let waiting = client.execute(
                        .init(
                            "/hooks/pulse",
                            method: .post,
                            authority: "localhost",
                            headers: [.contentType: "application/json"],
                            body: ByteBuffer(string: #"{"word": "hi"}"#)
                        )
                    )
                    await world.clock.waitForSleeper(within: ChunkedAnswer.pulse)
                    await stop()
                    let answer = try await waiting
                    #expect(answer.status == .ok)
                    #expect(try JSON.parse(String(buffer: answer.body ?? ByteBuffer())) == ["run": 2])
                }
            }
        )
    }
}
