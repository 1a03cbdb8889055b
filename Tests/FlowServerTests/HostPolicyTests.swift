import HTTPTypes
import Testing

@testable import FlowServer

@Suite("Host and Origin")
struct HostPolicyTests {
    private let policy = HostPolicy(publicHosts: ["shop.example.com"], allowedOrigins: ["https://pages.example.com"])

    private func head(_ host: String?, origin: String? = nil, second: String? = nil) -> HTTPRequest {
        var fields = HTTPFields()
        if let origin { fields[.origin] = origin }
        if let second, let name = HTTPField.Name("Host") { fields[name] = second }
        return HTTPRequest(method: .post, scheme: "http", authority: host, path: "/", headerFields: fields)
    }

    @Test(
        "loopback names and addresses and configured hosts are let in, with and without a port",
        arguments: [
            "localhost", "LocalHost:8787", "127.0.0.1", "127.8.9.1:80", "[::1]", "[::1]:8787", "shop.example.com",
            "shop.example.com:443",
        ]
    )
    func allowed(host: String) throws {
        try policy.check(head(host))
    }

    @Test(
        "any other Host is refused, names that only look like loopback included",
        arguments: [
            "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0", "127.0.0.256", "0.0.0.0",
            "169.254.169.254", "[::2]", "localhost:0", "localhost:99999", "localhost:80:80", "[::1",
            "shop.example.com.",
            "user@localhost", "[::1]x80", "[::1]80",
        ]
    )
    func refused(host: String) {
        #expect(throws: Problem.self) { try policy.check(head(host)) }
    }

    @Test("a request names one Host: none, an empty one or two are refused with 400")
    func oneHost() {
        #expect(problem(head(nil))?.status == 400)
        #expect(problem(head(""))?.status == 400)
        #expect(problem(head("localhost", second: "evil.example"))?.status == 400)
    }

    @Test("an Origin must be the server's own or a configured one; null never is")
    func origins() throws {
        try policy.check(head("localhost:8787", origin: "http://localhost:8787"))
        try policy.check(head("shop.example.com", origin: "https://shop.example.com"))
        try policy.check(head("localhost", origin: "https://pages.example.com"))
        for origin in ["https://evil.example", "null", "http://localhost:9999", "https://pages.example.com.evil"] {
            #expect(problem(head("localhost:8787", origin: origin))?.status == 403, "\(origin)")
        }
    }

    private func problem(_ head: HTTPRequest) -> Problem? {
        do {
            try policy.check(head)
            return nil
        } catch {
            return error as? Problem
        }
    }
}
