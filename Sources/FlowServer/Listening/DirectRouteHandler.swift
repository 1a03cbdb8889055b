import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// A route whose requests are read whole and answered without a task: for the one that a sender calls thousands of
/// times in a second, where tasks and the streams between them cost more than what is done for it.
protocol DirectRoute: Sendable {
    /// The most bytes of a body that is read here.
    var bodyLimit: Int { get }

    /// Whether a request is this route's, by its head alone; `leave` follows once, when it is answered or gone.
    ///
    /// Whatever is out of the ordinary is left to the routes behind, which answer for the same path.
    func enter(_ head: HTTPRequest) -> Bool
    func leave()

    /// Calls `done` once, from any thread, with what makes the answer; that is called on the connection's.
    func respond(
        to body: ByteBuffer,
        _ head: HTTPRequest,
        done: @escaping @Sendable (_ answer: @escaping @Sendable () -> WholeAnswer) -> Void
    )
}

/// Answers the requests of a `DirectRoute` on the thread of the connection's event loop, and passes on all others.
///
/// Answers leave in the order of their requests: one behind a request that the other routes have not answered yet goes to
/// them too, and nothing that follows one which is being answered here is looked at before.
final class DirectRouteHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum State {
        case open
        /// The request is the route's; its body so far.
        case reading(HTTPRequest, body: ByteBuffer)
        case answering
        /// Its sender does not read its answers: nothing further of it is looked at before it does.
        case clogged
        case closed
    }

    /// What comes while an answer is waited for.
    private enum Held {
        case part(HTTPRequestPart)
        case inputClosed
        case error(any Error)
    }

    private let route: any DirectRoute
    private var state = State.open
    /// Requests that went on and have no answer yet.
    private var behind = 0
    private var held = CircularBuffer<Held>()
    /// More is wanted from the socket once the answer is out.
    private var isReadHeld = false
    /// Answers that the kernel has not taken yet.
    private var leaving = 0
    /// The sender's side is closed, which nobody behind knows yet.
    private var isInputClosed = false

    init(_ route: any DirectRoute) { self.route = route }

    private var isHolding: Bool {
        switch state {
        case .answering, .clogged: true
        case .open, .reading, .closed: false
        }
    }

    // MARK: What comes in

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if isHolding { held.append(.part(part)) } else { take(part, context) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else {
            return context.fireUserInboundEventTriggered(event)
        }
        if isHolding { held.append(.inputClosed) } else { closeInput(context) }
    }

    /// Tells on that the sender's side is closed, behind the last answer: who hears of it closes the other side at once.
    private func closeInput(_ context: ChannelHandlerContext) {
        passOn(context)
        isInputClosed = leaving > 0
        if !isInputClosed { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isHolding {
            held.append(.error(error))
        } else {
            passOn(context)
            context.fireErrorCaught(error)
        }
    }

    /// Who waits for the answer before going on is read on all the while: to stop and begin again costs two calls of the
    /// kernel.
    func read(context: ChannelHandlerContext) {
        let mustWait = if case .clogged = state { true } else { !held.isEmpty }
        if mustWait { isReadHeld = true } else { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .clogged = state, context.channel.isWritable {
            state = .open
            goOn(context)
        }
        context.fireChannelWritabilityChanged()
    }

    /// The connection is closed: Hummingbird's handler before this one does not pass on that it is inactive.
    func handlerRemoved(context: ChannelHandlerContext) {
        if case .reading = state { route.leave() }
        state = .closed
        held = []
    }

    private func take(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) {
        switch (state, part) {
        case (.open, .head(let head)) where behind == 0 && route.enter(head):
            state = .reading(head, body: ByteBuffer())
        case (.reading(let head, var body), .body(var bytes)):
            guard body.readableBytes + bytes.readableBytes <= route.bodyLimit else {
                passOn(context)
                return context.fireChannelRead(wrapInboundOut(part))
            }
            // Not shared while it grows.
            state = .open
            if body.readableBytes == 0 { body = bytes } else { body.writeBuffer(&bytes) }
            state = .reading(head, body: body)
        case (.reading(let head, let body), .end):
            state = .answering
            let waiting = NIOLoopBound((self, context), eventLoop: context.eventLoop)
            let loop = context.eventLoop
            route.respond(to: body, head) { answer in
                loop.execute {
                    let (handler, context) = waiting.value
                    handler.finish(answer(), context)
                }
            }
        default:
            if case .head = part { behind += 1 }
            context.fireChannelRead(wrapInboundOut(part))
        }
    }

    /// Leaves the request that is being read to the routes behind.
    private func passOn(_ context: ChannelHandlerContext) {
        guard case .reading(let head, let body) = state else { return }
        state = .open
        route.leave()
        behind += 1
        context.fireChannelRead(wrapInboundOut(.head(head)))
        if body.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(.body(body))) }
    }

    // MARK: What goes out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) { behind -= 1 }
        context.write(data, promise: promise)
    }

    private func finish(_ answer: WholeAnswer, _ context: ChannelHandlerContext) {
        route.leave()
        // The sender did not wait; what it sent is done all the same.
        guard case .answering = state else { return }
        state = .open
        leaving += 1
        let left = context.eventLoop.makePromise(of: Void.self)
        left.futureResult.assumeIsolated().whenComplete { _ in self.hasLeft(context) }
        context.write(wrapOutboundOut(.head(answer.head)), promise: nil)
        context.write(wrapOutboundOut(.body(answer.body)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: left)
        guard case .open = state else { return }
        if context.channel.isWritable { goOn(context) } else { state = .clogged }
    }

    private func hasLeft(_ context: ChannelHandlerContext) {
        leaving -= 1
        guard leaving == 0, isInputClosed else { return }
        isInputClosed = false
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    /// Takes up what had to wait.
    private func goOn(_ context: ChannelHandlerContext) {
        if !held.isEmpty {
            while !isHolding, let next = held.popFirst() {
                switch next {
                case .part(let part): take(part, context)
                case .inputClosed: closeInput(context)
                case .error(let error): errorCaught(context: context, error: error)
                }
            }
            context.fireChannelReadComplete()
        }
        guard isReadHeld, held.isEmpty, !isHolding else { return }
        isReadHeld = false
        context.read()
    }
}
