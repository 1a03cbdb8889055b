import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import FlowServer

@Suite("Requests that take their time")
struct SlowRequestTests {
    private let channel: EmbeddedChannel
    private let loop = EmbeddedEventLoop()

    init() throws {
        let handler = SlowRequestHandler(limit: .seconds(20), silenceLimit: .seconds(30))
        channel = EmbeddedChannel(handler: handler, loop: loop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 80)).wait()
    }

    private func head() throws {
        let request = HTTPRequest(method: .post, scheme: "http", authority: "localhost", path: "/hooks/stripe")
        try channel.writeInbound(HTTPRequestPart.head(request))
    }

    private func byte() throws { try channel.writeInbound(HTTPRequestPart.body(ByteBuffer(string: "x"))) }

    private func end() throws { try channel.writeInbound(HTTPRequestPart.end(nil)) }

    @Test("a body that trickles in is broken off at the limit, not before")
    func trickle() throws {
        try head()
        for _ in 1...19 {
            loop.advanceTime(by: .seconds(1))
            try byte()
        }
        try channel.throwIfErrorCaught()
        loop.advanceTime(by: .seconds(1))
        #expect(throws: SlowRequestHandler.BodyTooSlow.self) { try channel.throwIfErrorCaught() }
    }

    @Test("each request of a connection has the whole time, and between them there is no limit")
    func manyRequests() throws {
        for _ in 1...5 {
            try head()
            loop.advanceTime(by: .seconds(15))
            try byte()
            try end()
            loop.advanceTime(by: .seconds(90))
        }
        try channel.throwIfErrorCaught()
        try head()
        loop.advanceTime(by: .seconds(20))
        #expect(throws: SlowRequestHandler.BodyTooSlow.self) { try channel.throwIfErrorCaught() }
    }

    @Test("who connects and asks for nothing is hung up on")
    func silence() throws {
        loop.advanceTime(by: .seconds(29))
        #expect(channel.isActive)
        loop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
        try channel.throwIfErrorCaught()
    }

    @Test("a first request in time has the whole time for its body")
    func lateFirst() throws {
        loop.advanceTime(by: .seconds(29))
        try head()
        loop.advanceTime(by: .seconds(19))
        try channel.throwIfErrorCaught()
        try end()
        loop.advanceTime(by: .seconds(90))
        try channel.throwIfErrorCaught()
        #expect(channel.isActive)
    }

    @Test("a connection that is gone leaves no timer behind")
    func gone() throws {
        try head()
        try channel.close().wait()
        loop.advanceTime(by: .seconds(60))
        try channel.throwIfErrorCaught()
    }
}
