import HTTPTransport
import Testing

@Suite("What must not be sent, and what must not be shown")
struct HTTPRequestTests {
    private static let good = HTTPRequest(url: "http://127.0.0.1:9/")

    private func expectMalformed(_ request: HTTPRequest) async throws {
        try await withClient { client in
            let error = try await #require(throws: HTTPError.self) { try await client.send(request) }
            #expect(error.code == .malformedRequest)
            #expect(!error.requestMayHaveBeenSent)
        }
    }

    @Test(
        "a header cannot start a second one",
        arguments: [
            ("X", "a\r\nEvil: 1"), ("X", "a\nEvil: 1"), ("X", "a\rb"), ("X", "a\0b"), ("X", "a\u{1}"), ("X", "\u{7F}"),
            ("X: 1\r\nEvil", "a"), ("X ", "a"), ("", "a"), ("X:Y", "a"), ("Ü", "a"),
            ("Content-Length", "5"), ("transfer-encoding", "chunked"), ("Expect", "100-continue"), ("Upgrade", "h2c"),
        ]
    )
    func headers(name: String, value: String) async throws {
        var request = Self.good
        request.headers = HTTPHeaders([(name, value)])
        try await expectMalformed(request)
    }

    @Test("a method is a token", arguments: ["", "GET / HTTP/1.1\r\nX: 1", "GE T", "GET\n", "ÄH", "CONNECT"])
    func methods(method: String) async throws {
        var request = Self.good
        request.method = method
        try await expectMalformed(request)
    }

    @Test(
        "a URL is absolute, ASCII, http or https, and names no user",
        arguments: [
            "", "/path", "127.0.0.1:9", "//127.0.0.1:9/", "ftp://127.0.0.1/", "file:///etc/passwd",
            "gopher://127.0.0.1/",
            "dict://127.0.0.1:9/", "http://", "http:///x", "http://user@127.0.0.1:9/", "http://u:p@127.0.0.1:9/",
            "http://127.0.0.1:9/a b", "http://127.0.0.1:9/\r\nX: 1", "http://127.0.0.1:9/ä", "http://127.0.0.1:99999/",
            "http://127.0.0.1:0/", "http://[::1/", "http://a%00b/", "http://127.0.0.1:9\\@example.com/",
            "javascript:alert(1)", "http://" + String(repeating: "a", count: 70_000),
        ]
    )
    func urls(url: String) async throws {
        var request = Self.good
        request.url = url
        try await expectMalformed(request)
    }

    @Test("bounds are positive, and HEAD has no body")
    func bounds() async throws {
        for change in [
            { $0.timeout = .zero }, { $0.connectTimeout = .seconds(-1) }, { $0.responseBytesMax = -1 },
            { $0.unixSocket = "" }, { $0.unixSocket = String(repeating: "x", count: 108) },
            {
                $0.method = "HEAD"
                $0.body = [1]
            },
            { $0.headers = ["X": String(repeating: "x", count: 70_000)] },
        ] as [(inout HTTPRequest) -> Void] {
            var request = Self.good
            change(&request)
            try await expectMalformed(request)
        }
    }

    @Test("printing a request, its headers, an answer or an error shows no secret")
    func descriptions() async throws {
        let request = HTTPRequest(
            method: "POST",
            url: "http://127.0.0.1:9/secret-path?key=secret-query",
            headers: ["Authorization": "secret-header"],
            body: Array("secret-body".utf8),
            addressPolicy: .publicOnly
        )
        #expect("\(request)" == "POST http://127.0.0.1:9")
        #expect("\(request.headers)" == "[Authorization]")
        let response = HTTPResponse(status: 200, headers: ["Set-Cookie": "secret"], body: Array("secret".utf8))
        #expect("\(response)" == "200 (6 bytes)")
        try await withClient { client in
            let error = try await #require(throws: HTTPError.self) { try await client.send(request) }
            #expect("\(error)" == "http: the host's address is not one that this request may connect to (127.0.0.1:9)")
        }
        for text in ["\([request])", String(reflecting: request), "\([request.headers])", "\([response])"] {
            #expect(!text.contains("secret"))
        }
        let bad = HTTPRequest(url: "http://u:secret@x/")
        #expect("\(bad)" == "GET (no usable URL)")
    }

    @Test("an origin is read as libcurl will read it")
    func origins() throws {
        #expect(try HTTPOrigin(ofURL: "HTTPS://API.Stripe.com/v1?x#y").description == "https://api.stripe.com:443")
        #expect(try HTTPOrigin(ofURL: "http://[::1]:8080/").host == "[::1]")
        #expect(try HTTPOrigin(ofURL: "http://2130706433/").host == "127.0.0.1")
        #expect(try HTTPOrigin(ofURL: "http://example.com#@other.example/").host == "example.com")
    }

    @Test("headers keep their order and ignore the case of their names")
    func headerStore() {
        var headers: HTTPHeaders = ["A": "1", "b": "2", "a": "3"]
        #expect(headers["B"] == "2" && headers["missing"] == nil)
        #expect(headers.all("a") == ["1", "3"])
        headers["a"] = "4"
        #expect(headers.pairs.map { "\($0.name)=\($0.value)" } == ["a=4", "b=2"])
        headers.add(name: "B", value: "5")
        headers["a"] = nil
        #expect(headers.all("b") == ["2", "5"] && headers.count == 2)
    }
}
