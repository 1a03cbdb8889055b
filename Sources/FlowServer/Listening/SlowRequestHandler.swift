import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Breaks a request off whose body takes too long to arrive, and hangs up on who connects and asks for nothing: some
/// thousand such connections would keep all others out.
///
/// It looks at the clock of the event loop once per limit and connection, not per request: a timer for each would cost
/// more than reading most bodies does.
final class SlowRequestHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    /// What the reader of the body gets.
    struct BodyTooSlow: Error {}

    private let limit: TimeAmount
    /// From the beginning of the connection to the head of its first request.
    private let silenceLimit: TimeAmount
    /// When the request began whose end has not come yet; the first one begins with the connection.
    private var began: NIODeadline?
    private var isFirst = true
    private var nextLook: Scheduled<Void>?

    init(limit: TimeAmount, silenceLimit: TimeAmount) {
        self.limit = limit
        self.silenceLimit = silenceLimit
    }

    func handlerAdded(context: ChannelHandlerContext) {
        began = context.eventLoop.now
        lookAgain(context, after: silenceLimit)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            if isFirst { stop() }
            isFirst = false
            began = context.eventLoop.now
            if nextLook == nil { lookAgain(context, after: limit) }
        case .body: break
        case .end: began = nil
        }
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    private func lookAgain(_ context: ChannelHandlerContext, after time: TimeAmount) {
        nextLook = context.eventLoop.assumeIsolated().scheduleTask(in: time) { self.look(context) }
    }

    private func look(_ context: ChannelHandlerContext) {
        nextLook = nil
        guard let began else { return }
        let left = began + (isFirst ? silenceLimit : limit) - context.eventLoop.now
        guard left <= .zero else { return lookAgain(context, after: left) }
        self.began = nil
        if isFirst { return context.close(promise: nil) }
        context.fireErrorCaught(BodyTooSlow())
    }

    private func stop() {
        nextLook?.cancel()
        nextLook = nil
        began = nil
    }
}
