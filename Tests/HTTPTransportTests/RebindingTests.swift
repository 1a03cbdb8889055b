import ScriptedNames
import TestSupport
import Testing

@testable import HTTPTransport

// Goal: what a name leads to is checked where the socket is opened, so a name that answers differently the second time
// reaches nothing that the first answer would not have.
// Method: a resolver of the tests' own stands before the system's; 127.0.0.2 plays the address that may be reached,
// where nobody listens, and 127.0.0.1, where a server does, the one that may not.
@Suite("Names that change what they lead to", .serialized)
struct RebindingTests {
    private static let allowed = AddressBlock(bytes: [127, 0, 0, 2], length: 32).map { AddressPolicy.publicAnd([$0]) }

    private func server() throws -> LocalServer { try LocalServer { _ in answer(body: "inside") } }

    @Test("the resolver of these tests is the one that is asked")
    func isAsked() async throws {
        let server = try server()
        defer { server.stop() }
        scripted_names_set("asked.scripted.test", "127.0.0.1")
        try await withClient { client in
            let request = HTTPRequest(url: "http://asked.scripted.test:\(server.port)/", addressPolicy: .loopbackOnly)
            let response = try await client.send(request)
            #expect(response.body == Array("inside".utf8))
        }
        #expect(scripted_names_count("asked.scripted.test") > 0)
    }

    @Test("a name that leads outside at first and inside afterwards is refused then")
    func secondLook() async throws {
        let server = try server()
        defer { server.stop() }
        let policy = try #require(Self.allowed)
        scripted_names_set("turning.scripted.test", "127.0.0.2|127.0.0.1")
        let request = HTTPRequest(url: "http://turning.scripted.test:\(server.port)/", addressPolicy: policy)
        // Each client keeps what it has looked up for a while, so the second look is another one's.
        var codes: [HTTPError.Code] = []
        for _ in 1...2 {
            try await withClient { client in
                let error = try await #require(throws: HTTPError.self) { try await client.send(request) }
                #expect(!error.requestMayHaveBeenSent)
                codes.append(error.code)
            }
        }
        #expect(codes == [.couldNotConnect, .addressRefused])
        #expect(scripted_names_count("turning.scripted.test") == 2)
        #expect(server.connectionCount == 0)
    }

    @Test("one client connects to what it has checked, however the name has turned since")
    func sameClient() async throws {
        let server = try server()
        defer { server.stop() }
        let policy = try #require(Self.allowed)
        scripted_names_set("kept.scripted.test", "127.0.0.2|127.0.0.1")
        try await withClient { client in
            for _ in 1...3 {
                let request = HTTPRequest(url: "http://kept.scripted.test:\(server.port)/", addressPolicy: policy)
                await #expect(throws: HTTPError.self) { try await client.send(request) }
            }
        }
        #expect(server.connectionCount == 0)
    }

    @Test(
        "of several addresses of a name each is checked, not only the first",
        arguments: ["127.0.0.2,127.0.0.1", "127.0.0.2,::1", "127.0.0.2,::ffff:127.0.0.1", "::1,127.0.0.1"]
    )
    func several(answer: String) async throws {
        let server = try server()
        defer { server.stop() }
        let policy = try #require(Self.allowed)
        scripted_names_set("several.scripted.test", answer)
        try await withClient { client in
            let request = HTTPRequest(url: "http://several.scripted.test:\(server.port)/", addressPolicy: policy)
            let error = try await #require(throws: HTTPError.self) { try await client.send(request) }
            #expect(error.code == .addressRefused && !error.requestMayHaveBeenSent)
        }
        #expect(server.connectionCount == 0)
    }

    @Test("a name that leads to a mapped address reaches no loopback, though the block of mapped ones is allowed")
    func mapped() async throws {
        let server = try server()
        defer { server.stop() }
        let prefix = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 0, 0, 0, 0]
        let mapped = try #require(AddressBlock(bytes: prefix, length: 96))
        scripted_names_set("mapped.scripted.test", "::ffff:127.0.0.1")
        try await withClient { client in
            let url = "http://mapped.scripted.test:\(server.port)/"
            let request = HTTPRequest(url: url, addressPolicy: .publicAnd([mapped]))
            let error = try await #require(throws: HTTPError.self) { try await client.send(request) }
            #expect(error.code == .addressRefused && !error.requestMayHaveBeenSent)
        }
        #expect(server.connectionCount == 0)
    }

    @Test("an open connection to a name is not used once the policy no longer allows its address")
    func openConnection() async throws {
        let server = try server()
        defer { server.stop() }
        let policy = try #require(Self.allowed)
        scripted_names_set("open.scripted.test", "127.0.0.1|127.0.0.2")
        let url = "http://open.scripted.test:\(server.port)/"
        try await withClient { client in
            let first = try await client.send(HTTPRequest(url: url, addressPolicy: .loopbackOnly))
            #expect(first.status == 200)
            let error = try await #require(throws: HTTPError.self) {
                try await client.send(HTTPRequest(url: url, addressPolicy: policy))
            }
            #expect(error.code == .addressRefused)
        }
        #expect(server.received.count == 1)
    }
}
