import Expressions
import FlowEngine
import ScriptedNames
import TestSupport
import Testing

@Suite("http-request: what a hostile address, name or answer gets")
struct HTTPRequestGuardTests {
    /// Calls the flow, which must fail; a name that nobody knows is asked for again, so time passes.
    private func failure(_ world: HTTPWorld, _ text: String) async throws -> BlockFailure {
        try await world.run { engine in
            let time = Task {
                while !Task.isCancelled {
                    await world.clock.waitForSleeper(within: .seconds(3_600))
                    world.clock.advance(by: .seconds(60))
                }
            }
            defer { time.cancel() }
            _ = try await engine.ask(["text": .string(text)])
            return try #require(try await engine.run(1)?.failure)
        }
    }

    @Test(
        "a URL that is made of input reaches no inner address, however it is written",
        arguments: [
            "127.0.0.1", "localhost", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "127.1",
            "0177.0.0.1", "0", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]",
            "[64:ff9b::7f00:1]",
        ]
    )
    func writings(host: String) async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        let world = try HTTPWorld(
            connection: "url: 'https://a.example'",
            block: "url: 'http://${ input.text }:\(server.port)/'"
        )
        #expect(try await failure(world, host).code == "not_sent")
        #expect(server.connectionCount == 0)
    }

    @Test(
        "a host that is no host is refused before anything is looked up",
        arguments: [
            "a:b@127.0.0.1", "127.0.0.1/..", "127.0.0.1#", "127.0.0.1?x=", "a b", "", "evil.example\\@127.0.0.1",
        ]
    )
    func noHosts(host: String) async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        let world = try HTTPWorld(
            connection: "url: 'https://a.example'",
            block: "url: 'http://${ input.text }:\(server.port)/'"
        )
        let code = try await failure(world, host).code
        #expect(["not_sent", "invalid_parameter"].contains(code))
        #expect(server.connectionCount == 0)
    }

    @Test("a redirect to a name that 'allow' lists is refused when the name leads inside")
    func redirectedName() async throws {
        let inner = try LocalServer { _ in answer(body: "inside") }
        defer { inner.stop() }
        let outer = try LocalServer { _ in
            answer("302 Found", headers: ["Location: http://inner.scripted.test:\(inner.port)/"])
        }
        defer { outer.stop() }
        let world = try HTTPWorld(
            connection: "url: 'http://127.0.0.1:\(outer.port)', allow: [127.0.0.1, inner.scripted.test]",
            block: "connection: stock\npath: /"
        )
        scripted_names_set("inner.scripted.test", "127.0.0.4")
        let failure = try await world.failure()
        #expect(failure.code == "not_sent" && failure.message.contains("address"))
        #expect(inner.connectionCount == 0)
        // The same name, where it leads to an address that is allowed as well.
        scripted_names_set("inner.scripted.test", "127.0.0.1")
        #expect(try await world.call().body["body"] == "inside")
    }

    @Test("a decompression bomb fails the block at its bound")
    func bomb() async throws {
        let folded = try SpawnedProgram.run("sh", ["-c", "head -c 67108864 /dev/zero | gzip -9"]).output
        let server = try LocalServer { connection, _ in
            while connection.readRequest() != nil {
                connection.write(
                    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(folded.count)\r\n\r\n"
                )
                connection.write(folded)
            }
        }
        defer { server.stop() }
        let world = try HTTPWorld(
            connection: "url: '\(server.url(""))', allow: [127.0.0.1]",
            block: "connection: stock\npath: /"
        )
        let failure = try await world.failure()
        #expect(failure.message.contains("larger than allowed"))
        #expect(server.received.count == 1)
    }

    @Test("an answer that trickles ends with the block's time limit; what only reads is not asked for again")
    func trickle() async throws {
        let begun = Gate()
        let server = try LocalServer { connection, _ in
            guard connection.readRequest() != nil else { return }
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx")
            begun.open()
            // Blocks until the other side has had enough.
            _ = connection.readRequest()
        }
        defer { server.stop() }
        let world = try HTTPWorld(
            connection: "url: '\(server.url(""))', allow: [127.0.0.1]",
            block: "connection: stock\npath: /\ntimeout: 5s"
        )
        try await world.run { engine in
            async let answer = engine.ask()
            await begun.pass()
            await world.clock.waitForSleeper(within: .seconds(5))
            world.clock.advance(by: .seconds(5))
            _ = try await answer
            #expect(try await engine.run(1)?.failure?.code == "timeout")
            #expect(server.connectionCount == 1)
        }
    }
}
