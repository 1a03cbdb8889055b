import Foundation
import TestSupport
import Testing

@testable import HTTPTransport

@Suite("Requests that the outside has a say in")
struct GuardedRequestTests {
    private func block(_ bytes: [UInt8], _ length: Int) throws -> AddressBlock {
        try #require(AddressBlock(bytes: bytes, length: length))
    }

    @Test("named inner addresses may be connected to, and no others")
    func namedAddresses() async throws {
        let server = try LocalServer { _ in answer(body: "inside") }
        defer { server.stop() }
        let loopback = AddressPolicy.publicAnd([try block([127, 0, 0, 1], 32)])
        let other = AddressPolicy.publicAnd([try block([10, 0, 0, 0], 8)])
        try await withClient { client in
            let response = try await client.send(HTTPRequest(url: server.url(), addressPolicy: loopback))
            #expect(response.body == Array("inside".utf8))
            // The connection of the first request is still open; the second must not have it.
            let error = try await #require(throws: HTTPError.self) {
                try await client.send(HTTPRequest(url: server.url(), addressPolicy: other))
            }
            #expect(error.code == .addressRefused && !error.requestMayHaveBeenSent)
        }
        #expect(server.received.count == 1)
    }

    @Test("link-local addresses stay refused, whatever was named")
    func offLimits() throws {
        let all4 = AddressPolicy.publicAnd([try block([0, 0, 0, 0], 0)])
        let all6 = AddressPolicy.publicAnd([try block([UInt8](repeating: 0, count: 16), 0)])
        for bytes in [[169, 254, 169, 254], [0, 0, 0, 0], [224, 0, 0, 1], [168, 63, 129, 16]] as [[UInt8]] {
            #expect(try !all4.allows(#require(IPAddress(bytes))), "\(bytes)")
        }
        #expect(try all4.allows(#require(IPAddress([10, 0, 0, 1] as [UInt8]))))
        var linkLocal = [UInt8](repeating: 0, count: 16)
        linkLocal[0] = 0xFE
        linkLocal[1] = 0x80
        #expect(try !all6.allows(#require(IPAddress(linkLocal))))
        // Alibaba's metadata is an address that carriers share, as the block of them that an operator may name.
        #expect(try !all4.allows(#require(IPAddress([100, 100, 100, 200] as [UInt8]))))
        // An IPv4 address within an IPv6 one is not one of the IPv4 block.
        var mapped = [UInt8](repeating: 0, count: 16)
        mapped.replaceSubrange(10..., with: [0xFF, 0xFF, 10, 0, 0, 1])
        #expect(try !all4.allows(#require(IPAddress(mapped))))
    }

    /// Goal: no block of IPv6 addresses opens what the guard keeps shut of IPv4.
    ///
    /// Method: each form that carries an IPv4 address, with loopback, link-local, private and public ones in it, where
    /// the operator has named all that is written so.
    @Test(
        "a block of addresses that carry others opens only what may be reached in its own right",
        arguments: ["::ffff:0:0", "::", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::", "2002::"]
    )
    func carried(form: String) throws {
        var start = [UInt8](repeating: 0, count: 16)
        try #require(inet_pton(AF_INET6, form, &start) == 1)
        let policy = AddressPolicy.publicAnd([try block(start, 16), try block([10, 0, 0, 0], 8)])
        func allows(_ address: [UInt8]) throws -> Bool {
            var bytes = start
            let place = form == "2002::" ? 2 : 12
            bytes.replaceSubrange(place..<place + 4, with: address)
            return policy.allows(try #require(IPAddress(bytes)))
        }
        for inner in [[127, 0, 0, 1], [169, 254, 169, 254], [192, 168, 0, 1], [100, 100, 100, 200]] as [[UInt8]] {
            #expect(try !allows(inner), "\(inner)")
        }
        #expect(try allows([10, 0, 0, 1]))
        #expect(try allows([8, 8, 8, 8]))
    }

    @Test("a proxy that may lead inside is of no use to a guarded request")
    func proxy() async throws {
        let policy = AddressPolicy.publicAnd([try block([10, 0, 0, 0], 8)])
        try await withClient {
            $0.proxy = .init(url: "http://127.0.0.1:1")
        } _: { client in
            let error = try await #require(throws: HTTPError.self) {
                try await client.send(HTTPRequest(url: "http://example.com/", addressPolicy: policy))
            }
            #expect(error.code == .addressRefused)
        }
    }

    /// `size` zeros, compressed by the system's gzip.
    private func bomb(of size: Int) throws -> [UInt8] {
        try SpawnedProgram.run("sh", ["-c", "head -c \(size) /dev/zero | gzip -9"]).output
    }

    private func serve(_ bytes: [UInt8]) throws -> LocalServer {
        try LocalServer { connection, _ in
            while connection.readRequest() != nil {
                connection.write(
                    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(bytes.count)\r\n\r\n"
                )
                connection.write(bytes)
            }
        }
    }

    @Test("an answer is unfolded when that was asked for, and what it unfolds to is bounded")
    func decompression() async throws {
        let bytes = try bomb(of: 1 << 20)
        #expect(bytes.count < 4_000)
        let server = try serve(bytes)
        defer { server.stop() }
        try await withClient { client in
            let plain = try await client.send(HTTPRequest(url: server.url()))
            #expect(plain.body == bytes)
            let exact = HTTPRequest(url: server.url(), responseBytesMax: 1 << 20, decompresses: true)
            #expect(try await client.send(exact).body.count == 1 << 20)
            let tight = HTTPRequest(url: server.url(), responseBytesMax: (1 << 20) - 1, decompresses: true)
            let error = try await #require(throws: HTTPError.self) { try await client.send(tight) }
            #expect(error.code == .responseTooLarge)
        }
        #expect(server.received.map { $0.header("Accept-Encoding") } == [nil, "gzip, deflate", "gzip, deflate"])
    }

    @Test(
        "a reference is read as RFC 3986 has it",
        arguments: [
            ("/b?x=1#frag", "http://a.example:81/b?x=1"), ("c", "http://a.example:81/p/c"),
            ("//b.example/x", "http://b.example/x"), ("https://b.example", "https://b.example/"),
            ("?y", "http://a.example:81/p/q?y"),
        ]
    )
    func reference(text: String, url: String) throws {
        #expect(try HTTPOrigin.resolve(text, from: "http://a.example:81/p/q") == url)
    }

    @Test(
        "a reference that leads to no web page is refused",
        arguments: ["file:///etc/passwd", "http://u:p@b/", "ftp://b/"]
    )
    func badReference(text: String) {
        #expect(throws: HTTPError.self) { try HTTPOrigin.resolve(text, from: "http://a.example/") }
    }
}
