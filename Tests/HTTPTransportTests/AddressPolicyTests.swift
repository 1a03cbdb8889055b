import Foundation
import TestSupport
import Testing

@testable import HTTPTransport

@Suite("Which addresses may be connected to")
struct AddressPolicyTests {
    private static func address(_ text: String) throws -> IPAddress {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 { return try #require(IPAddress(bytes.prefix(4))) }
        try #require(inet_pton(AF_INET6, text, &bytes) == 1)
        return try #require(IPAddress(bytes))
    }

    @Test(
        "inner and special addresses are not public, first and last of each block",
        arguments: [
            "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
            "127.255.255.255", "168.63.129.16", "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.192",
            "192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255",
            "198.51.100.7", "203.0.113.7", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
            "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::8.8.8.8", "64:ff9b::808:808", "64:ff9b:1::1",
            "100::1", "2001::1", "2001:1ff:ffff::1", "2001:db8::1", "2002:7f00:1::", "3fff::1", "3fff:fff::1",
            "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
        ]
    )
    func inner(text: String) throws {
        #expect(try !AddressPolicy.publicOnly.allows(Self.address(text)))
        #expect(try AddressPolicy.any.allows(Self.address(text)))
    }

    @Test(
        "the neighbours of those blocks are public",
        arguments: [
            "1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
            "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
            "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
            "2001:200::1", "2001:db7::1", "2001:db9::1", "2003::1", "2600:1901::1", "2a00:1450::1", "3ffe::1",
        ]
    )
    func outer(text: String) throws {
        #expect(try AddressPolicy.publicOnly.allows(Self.address(text)))
        #expect(try !AddressPolicy.loopbackOnly.allows(Self.address(text)))
    }

    @Test("loopback is 127.0.0.0/8 and ::1")
    func loopback() throws {
        for text in ["127.0.0.1", "127.1.2.3", "::1"] {
            #expect(try AddressPolicy.loopbackOnly.allows(Self.address(text)), "\(text)")
        }
        for text in ["126.0.0.1", "0.0.0.0", "::", "::2", "::ffff:127.0.0.1"] {
            #expect(try !AddressPolicy.loopbackOnly.allows(Self.address(text)), "\(text)")
        }
    }

    @Test(
        "however an inner address is written, it is not connected to",
        arguments: [
            "127.0.0.1", "localhost", "2130706433", "0x7f.1", "017700000001", "127.1", "[::1]", "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]", "0", "0.0.0.0", "[::]", "169.254.169.254", "10.0.0.1",
        ]
    )
    func writings(host: String) async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        try await withClient { client in
            let request = HTTPRequest(url: "http://\(host):\(server.port)/", addressPolicy: .publicOnly)
            let error = try await #require(throws: HTTPError.self) { try await client.send(request) }
            #expect(error.code == .addressRefused)
            #expect(!error.requestMayHaveBeenSent)
        }
        #expect(server.connectionCount == 0)
    }

    @Test("a connection that another request opened is not used against the policy")
    func reuse() async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        try await withClient { client in
            _ = try await client.send(HTTPRequest(url: server.url()))
            let request = HTTPRequest(url: server.url(), addressPolicy: .publicOnly)
            let error = try await #require(throws: HTTPError.self) { try await client.send(request) }
            #expect(error.code == .addressRefused)
            #expect(!error.requestMayHaveBeenSent)
        }
        #expect(server.received.count == 1)
    }

    @Test("a connection within the policy is used again")
    func reuseWithin() async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        try await withClient { client in
            for _ in 0..<3 {
                _ = try await client.send(HTTPRequest(url: server.url(), addressPolicy: .loopbackOnly))
            }
        }
        #expect(server.received.count == 3)
        #expect(server.connectionCount == 1)
    }

    @Test("where loopback alone is allowed, it works and nothing else does")
    func loopbackAlone() async throws {
        let server = try LocalServer { _ in answer() }
        defer { server.stop() }
        try await withClient { client in
            for host in ["127.0.0.1", "localhost"] {
                let request = HTTPRequest(url: "http://\(host):\(server.port)/", addressPolicy: .loopbackOnly)
                #expect(try await client.send(request).status == 200)
            }
            let request = HTTPRequest(url: "http://192.0.2.1/", addressPolicy: .loopbackOnly)
            let error = try await #require(throws: HTTPError.self) { try await client.send(request) }
            #expect(error.code == .addressRefused)
        }
    }

    @Test("neither a unix socket nor a proxy is a way around the public-only policy")
    func aroundIt() async throws {
        let proxy = try LocalServer { _ in answer() }
        defer { proxy.stop() }
        try await withClient({ $0.proxy = .init(url: proxy.url("")) }) { client in
            for request in [
                HTTPRequest(url: "http://shop.example/", unixSocket: "/run/docker.sock", addressPolicy: .publicOnly),
                HTTPRequest(url: "http://shop.example/", addressPolicy: .publicOnly),
            ] {
                let error = try await #require(throws: HTTPError.self) { try await client.send(request) }
                #expect(error.code == .addressRefused)
            }
        }
        #expect(proxy.connectionCount == 0)
        let trusting = HTTPClient.Configuration.Proxy(url: proxy.url(""), refusesInnerAddresses: true)
        try await withClient({ $0.proxy = trusting }) { client in
            let request = HTTPRequest(url: "http://shop.example/", addressPolicy: .publicOnly)
            let response = try await client.send(request)
            #expect(response.status == 200)
        }
    }
}
