import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Synchronization
import Testing

@testable import FlowServer

@Suite("Requests of a direct route")
struct DirectRouteTests {
    private let channel = EmbeddedChannel()
    private let route = ScriptedRoute()

    init() throws {
        try channel.pipeline.syncOperations.addHandler(DirectRouteHandler(route))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 80)).wait()
    }

    // MARK: What is sent and seen

    private func send(_ path: String, _ body: [String] = ["{}"], isWhole: Bool = true) throws {
        try receive(.head(HTTPRequest(method: .post, scheme: "http", authority: "localhost", path: path)))
        for part in body { try receive(.body(ByteBuffer(string: part))) }
        if isWhole { try receive(.end(nil)) }
    }

    private func receive(_ part: HTTPRequestPart) throws {
        channel.pipeline.fireChannelRead(part)
        try channel.throwIfErrorCaught()
    }

    /// The routes behind answer.
    private func answerBehind(_ status: HTTPResponse.Status) throws {
        try channel.writeOutbound(HTTPResponsePart.head(HTTPResponse(status: status)))
        try channel.writeOutbound(HTTPResponsePart.end(nil))
    }

    /// The direct route answers the request that has waited for longest.
    private func answerDirectly(_ text: String = "ok") {
        route.answer(text)
        channel.embeddedEventLoop.run()
    }

    private func answered() throws -> [String] {
        var answers: [String] = []
        while let part = try channel.readOutbound(as: HTTPResponsePart.self) {
            switch part {
            case .head(let head): answers.append("\(head.status.code)")
            case .body(let bytes): answers[answers.count - 1] += " \(String(buffer: bytes))"
            case .end: answers[answers.count - 1] += "."
            }
        }
        return answers
    }

    /// What went on to the routes behind.
    private func passedOn() throws -> [String] {
        var parts: [String] = []
        while let part = try channel.readInbound(as: HTTPRequestPart.self) {
            switch part {
            case .head(let head): parts.append(head.path ?? "")
            case .body(let bytes): parts.append(String(buffer: bytes))
            case .end: parts.append("end")
            }
        }
        return parts
    }

    // MARK: Tests

    @Test("are read whole and answered one after the other, and nothing of them goes on")
    func answeredHere() throws {
        for text in ["one", "two"] {
            try send("/direct", ["a", "b", "c"])
            #expect(route.bodies == ["abc"])
            #expect(try answered().isEmpty)
            answerDirectly(text)
            #expect(try answered() == ["200 \(text)."])
        }
        #expect(try passedOn().isEmpty)
        #expect(route.places == 0)
    }

    @Test("that came before the answer wait, in their order, whosever they are")
    func pipelined() throws {
        try send("/direct", ["1"])
        try send("/other", ["2"])
        try send("/direct", ["3"])
        #expect(route.bodies == ["1"])
        #expect(try passedOn().isEmpty)
        answerDirectly("first")
        #expect(try answered() == ["200 first."])
        // The third has one of the other routes' before it, which answer it too.
        #expect(try passedOn() == ["/other", "2", "end", "/direct", "3", "end"])
        try answerBehind(.created)
        try answerBehind(.accepted)
        #expect(try answered() == ["201.", "202."])
        try send("/direct", ["4"])
        #expect(route.bodies == ["4"])
        #expect(try passedOn().isEmpty)
        answerDirectly("last")
        #expect(try answered() == ["200 last."])
        #expect(route.places == 0)
    }

    @Test("two that came at once are both answered here")
    func twoAtOnce() throws {
        try send("/direct", ["1"])
        try send("/direct", ["2"])
        answerDirectly("first")
        #expect(route.bodies == ["2"])
        answerDirectly("second")
        #expect(try answered() == ["200 first.", "200 second."])
    }

    @Test("that the route does not take, and bodies that are too long for it, go on whole")
    func notTaken() throws {
        try send("/other")
        #expect(try passedOn() == ["/other", "{}", "end"])
        try answerBehind(.notFound)
        try send("/direct", ["123456789", "0123456789", "0"])
        #expect(try passedOn() == ["/direct", "123456789", "0123456789", "0", "end"])
        #expect(route.places == 0)
        #expect(route.bodies.isEmpty)
        try answerBehind(.contentTooLarge)
        #expect(try answered() == ["404.", "413."])
    }

    @Test("whose body breaks off by an error go on with what came and the error")
    func brokenBody() throws {
        try send("/direct", ["12"], isWhole: false)
        channel.pipeline.fireErrorCaught(SlowRequestHandler.BodyTooSlow())
        #expect(try passedOn() == ["/direct", "12"])
        #expect(throws: SlowRequestHandler.BodyTooSlow.self) { try channel.throwIfErrorCaught() }
        #expect(route.places == 0)
    }

    @Test("an error and the end of what is sent are told only after the answer")
    func heldBack() throws {
        let seen = Seen()
        try channel.pipeline.syncOperations.addHandler(seen)
        try send("/direct")
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        channel.pipeline.fireErrorCaught(SlowRequestHandler.BodyTooSlow())
        #expect(seen.notes.isEmpty)
        answerDirectly()
        #expect(try answered() == ["200 ok."])
        #expect(seen.notes == ["inputClosed", "BodyTooSlow()"])
    }

    @Test("the socket is read on until something has to wait, and again after the answer")
    func reading() throws {
        let reads = Reads()
        try channel.pipeline.syncOperations.addHandler(reads, position: .first)
        try send("/direct", ["1"])
        channel.pipeline.read()
        #expect(reads.count == 1)
        try send("/direct", ["2"])
        channel.pipeline.read()
        #expect(reads.count == 1)
        answerDirectly()
        // The second waits for its answer, and nothing waits behind it.
        answerDirectly()
        #expect(reads.count == 2)
    }

    @Test("nothing more is read or answered of a sender that does not read its answers, until it does")
    func clogged() throws {
        let reads = Reads()
        try channel.pipeline.syncOperations.addHandler(reads, position: .first)
        try send("/direct", ["1"])
        try send("/direct", ["2"])
        channel.isWritable = false
        answerDirectly("first")
        #expect(route.bodies.isEmpty)
        try send("/other", ["3"])
        channel.pipeline.read()
        #expect(reads.count == 0)
        #expect(try passedOn().isEmpty)
        channel.isWritable = true
        channel.pipeline.fireChannelWritabilityChanged()
        #expect(route.bodies == ["2"])
        answerDirectly("second")
        #expect(try answered() == ["200 first.", "200 second."])
        #expect(try passedOn() == ["/other", "3", "end"])
        #expect(reads.count == 1)
    }

    @Test("the end of what is sent is told only when the last answer has left")
    func closedBehindAnswer() throws {
        let seen = Seen()
        let slow = SlowSocket()
        try channel.pipeline.syncOperations.addHandler(slow, position: .first)
        try channel.pipeline.syncOperations.addHandler(seen)
        try send("/direct")
        answerDirectly()
        channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        #expect(seen.notes.isEmpty)
        slow.takeAll()
        #expect(seen.notes == ["inputClosed"])
    }

    @Test("whose sender is gone give their place back, answered or not")
    func gone() throws {
        try send("/direct", ["12"], isWhole: false)
        #expect(route.places == 1)
        _ = try? channel.finish(acceptAlreadyClosed: true)
        #expect(route.places == 0)

        let other = EmbeddedChannel(handler: DirectRouteHandler(route))
        try other.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 80)).wait()
        let head = HTTPRequest(method: .post, scheme: "http", authority: "localhost", path: "/direct")
        other.pipeline.fireChannelRead(HTTPRequestPart.head(head))
        other.pipeline.fireChannelRead(HTTPRequestPart.end(nil))
        _ = try? other.finish(acceptAlreadyClosed: true)
        #expect(route.places == 1)
        route.answer("nobody")
        other.embeddedEventLoop.run()
        #expect(route.places == 0)
        #expect(try other.readOutbound(as: HTTPResponsePart.self) == nil)
    }
}

/// Takes what comes to `/direct`, up to ten bytes of it, and answers when told.
private final class ScriptedRoute: DirectRoute {
    let bodyLimit = 10

    private struct State {
        var places = 0
        var bodies: [String] = []
        var waiting: [@Sendable (@escaping @Sendable () -> WholeAnswer) -> Void] = []
    }

    private let state = Mutex(State())

    var places: Int { state.withLock { $0.places } }
    /// Of those that were not answered yet.
    var bodies: [String] { state.withLock { $0.bodies } }

    func enter(_ head: HTTPRequest) -> Bool {
        guard head.path == "/direct" else { return false }
        state.withLock { $0.places += 1 }
        return true
    }

    func leave() { state.withLock { $0.places -= 1 } }

    func respond(
        to body: ByteBuffer,
        _ head: HTTPRequest,
        done: @escaping @Sendable (_ answer: @escaping @Sendable () -> WholeAnswer) -> Void
    ) {
        state.withLock { state in
            state.bodies.append(String(buffer: body))
            state.waiting.append(done)
        }
    }

    func answer(_ text: String) {
        let done = state.withLock { state in
            state.bodies.removeFirst()
            return state.waiting.removeFirst()
        }
        done { WholeAnswer(status: .ok, headers: [:], body: ByteBuffer(string: text)) }
    }
}

/// What reaches the routes behind besides requests.
private final class Seen: ChannelInboundHandler {
    typealias InboundIn = HTTPRequestPart
    var notes: [String] = []

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) { notes.append("\(event)") }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { notes.append("\(error)") }
}

/// Takes what is written only when told.
private final class SlowSocket: ChannelOutboundHandler {
    typealias OutboundIn = HTTPResponsePart
    private var promises: [EventLoopPromise<Void>] = []

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if let promise { promises.append(promise) }
    }

    func takeAll() {
        for promise in promises { promise.succeed() }
        promises = []
    }
}

private final class Reads: ChannelOutboundHandler {
    typealias OutboundIn = HTTPResponsePart
    var count = 0

    func read(context: ChannelHandlerContext) {
        count += 1
        context.read()
    }
}
