import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import FlowServer

@Suite("The last answer of a connection")
struct LastAnswerTests {
    private let channel: EmbeddedChannel

    init() throws {
        channel = EmbeddedChannel(handler: LastAnswerHandler())
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 80)).wait()
    }

    private func ask(_ headers: HTTPHeaders = [:], _ version: HTTPVersion = .http1_1, isWhole: Bool = true) throws {
        let head = HTTPRequestHead(version: version, method: .POST, uri: "/", headers: headers)
        try channel.writeInbound(HTTPServerRequestPart.head(head))
        if isWhole { try channel.writeInbound(HTTPServerRequestPart.end(nil)) }
    }

    private func answer(_ status: HTTPResponseStatus = .ok) throws {
        let head = HTTPResponseHead(version: .http1_1, status: status)
        try channel.writeOutbound(HTTPServerResponsePart.head(head))
        try channel.writeOutbound(HTTPServerResponsePart.end(nil))
    }

    private func passedOn() throws -> Int {
        var heads = 0
        while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
            if case .head = part { heads += 1 }
        }
        return heads
    }

    @Test(
        "is announced and closes it, however the request says so",
        arguments: [
            ([("Connection", "close")], HTTPVersion.http1_1), ([("connection", "CLOSE")], .http1_1),
            ([("Connection", "TE, Close")], .http1_1),
            ([("Connection", "keep-alive"), ("Connection", "close")], .http1_1),
            ([("Connection", "Upgrade"), ("Upgrade", "h2c")], .http1_1), ([], .http1_0),
        ] as [([(String, String)], HTTPVersion)]
    )
    func closes(headers: [(String, String)], version: HTTPVersion) throws {
        try ask()
        try ask(HTTPHeaders(headers), version)
        try ask()
        #expect(try passedOn() == 2)
        try answer()
        #expect(channel.isActive)
        try answer()
        #expect(!channel.isActive)
        let heads = try heads()
        #expect(heads.map { $0.headers.first(name: "connection") } == [nil, "close"])
    }

    private func heads() throws -> [HTTPResponseHead] {
        var heads: [HTTPResponseHead] = []
        while let part = try channel.readOutbound(as: HTTPServerResponsePart.self) {
            if case .head(let head) = part { heads.append(head) }
        }
        return heads
    }

    @Test("a target that is a whole URL names the same host as Host does, or the request names none")
    func absoluteForm() throws {
        for (url, isKept) in [
            ("http://LOCALHOST:8787/x?y=http://evil.example/", true), ("/x?y=http://evil.example/", true), ("*", true),
            ("http://evil.example/", false), ("http://localhost/", false), ("x://evil?a", false),
            ("http://localhost:8787@evil.example/", false),
        ] {
            let asked = HTTPRequestHead(version: .http1_1, method: .GET, uri: url, headers: ["Host": "localhost:8787"])
            try channel.writeInbound(HTTPServerRequestPart.head(asked))
            guard case .head(let head)? = try channel.readInbound(as: HTTPServerRequestPart.self) else {
                Issue.record("no head for \(url)")
                continue
            }
            #expect(head.headers.contains(name: "host") == isKept, "\(url)")
        }
    }

    @Test("is none where the sender goes on")
    func goesOn() throws {
        for headers in [[:], ["Connection": "keep-alive"]] as [HTTPHeaders] {
            try ask(headers)
            try answer()
        }
        try ask(["Connection": "keep-alive"], .http1_0)
        try answer()
        #expect(channel.isActive)
        #expect(try heads().allSatisfy { $0.headers.first(name: "connection") == nil })
    }

    @Test("who sends on for megabytes what was refused by its head is hung up on")
    func drained() throws {
        try ask(isWhole: false)
        try answer(.payloadTooLarge)
        let megabyte = ByteBuffer(repeating: 0, count: 1 << 20)
        for _ in 1...(LastAnswerHandler.drainedBytes >> 20) {
            try channel.writeInbound(HTTPServerRequestPart.body(megabyte))
        }
        #expect(channel.isActive)
        try channel.writeInbound(HTTPServerRequestPart.body(megabyte))
        #expect(!channel.isActive)
    }
}
