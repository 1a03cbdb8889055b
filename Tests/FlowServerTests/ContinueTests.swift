import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import FlowServer

@Suite("Expect: 100-continue")
struct ContinueTests {
    private let channel: EmbeddedChannel

    init() throws {
        channel = EmbeddedChannel(handler: ContinueHandler())
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 80)).wait()
    }

    private func head(_ expect: String? = "100-Continue") throws {
        var request = HTTPRequest(method: .post, scheme: "http", authority: "localhost", path: "/pages/order")
        request.headerFields[.expect] = expect
        try channel.writeInbound(HTTPRequestPart.head(request))
    }

    private func wantBody() throws {
        try channel.triggerUserOutboundEvent(ContinueHandler.BodyWanted()).wait()
    }

    private func answer(_ status: HTTPResponse.Status) throws {
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: status)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
    }

    /// The status of each answer that was written, and whether it says that the connection ends.
    private func written() throws -> [String] {
        var answers: [String] = []
        while let part = try channel.readOutbound(as: HTTPResponsePart.self) {
            guard case .head(let response) = part else { continue }
            answers.append("\(response.status.code)\(response.headerFields[.connection].map { " " + $0 } ?? "")")
        }
        return answers
    }

    @Test("a body that is wanted is asked for once, and its connection goes on")
    func wanted() throws {
        for _ in 1...2 {
            try head()
            #expect(try written().isEmpty)
            try wantBody()
            try wantBody()
            try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "{}")))
            try channel.writeInbound(HTTPRequestPart.end(nil))
            try answer(.ok)
            #expect(try written() == ["100", "200"])
        }
        #expect(channel.isActive)
    }

    @Test("an answer before the body was wanted is the last one of its connection")
    func refused() throws {
        try head()
        try answer(.unauthorized)
        #expect(try written() == ["401 close"])
        #expect(!channel.isActive)
    }

    @Test("nobody is asked for what comes by itself: a body, or none")
    func unasked() throws {
        try head()
        try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "{}")))
        try wantBody()
        try channel.writeInbound(HTTPRequestPart.end(nil))
        try answer(.ok)
        try head(nil)
        try wantBody()
        try channel.writeInbound(HTTPRequestPart.end(nil))
        try answer(.notFound)
        #expect(try written() == ["200", "404"])
        #expect(channel.isActive)
    }

    @Test("a body that is held back behind a request whose answer is to come changes nothing for that one")
    func pipelined() throws {
        try head()
        try wantBody()
        try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "{}")))
        try channel.writeInbound(HTTPRequestPart.end(nil))
        try head()
        try answer(.ok)
        #expect(try written() == ["100", "200"])
        try wantBody()
        try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "{}")))
        try channel.writeInbound(HTTPRequestPart.end(nil))
        try answer(.created)
        #expect(try written() == ["100", "201"])
        #expect(channel.isActive)
    }
}
