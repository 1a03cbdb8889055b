import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Breaks a request off whose body takes too long to arrive.
///
/// It looks at the clock of the event loop once per limit and connection, not per request: a timer for each would cost
/// more than reading most bodies does.
final class SlowBodyHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart

    /// What the reader of the body gets.
    struct BodyTooSlow: Error {}

    private let limit: TimeAmount
    /// When the request began whose end has not come yet.
    private var began: NIODeadline?
    private var nextLook: Scheduled<Void>?

    init(limit: TimeAmount) { self.limit = limit }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
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
        let left = began + limit - context.eventLoop.now
        guard left <= .zero else { return lookAgain(context, after: left) }
        self.began = nil
        context.fireErrorCaught(BodyTooSlow())
    }

    private func stop() {
        nextLook?.cancel()
        nextLook = nil
        began = nil
    }
}
