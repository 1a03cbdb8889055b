import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTPTypes

/// Answers `Expect: 100-continue`: the sender holds its body back until `100 Continue`, which it gets once a route wants
/// the body.
///
/// A route that decides by the head alone answers in its place. The body is not sent then, or comes unasked for; so the
/// connection ends with that answer, and nothing on it is taken for something else.
final class ContinueHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Sent down the pipeline by who begins to read a body.
    struct BodyWanted: Sendable {}

    private enum State {
        case nothingHeldBack
        /// The sender waits for a word.
        case heldBack
        /// The answer that is being written is the last one.
        case refused
    }

    private var state = State.nothingHeldBack

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request): if request.expectsContinue { state = .heldBack }
        // It comes without being asked for.
        case .body, .end: if case .heldBack = state { state = .nothingHeldBack }
        }
        context.fireChannelRead(data)
    }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext,
        event: Any,
        promise: EventLoopPromise<Void>?
    ) {
        guard event is BodyWanted else { return context.triggerUserOutboundEvent(event, promise: promise) }
        if case .heldBack = state {
            state = .nothingHeldBack
            context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
        }
        promise?.succeed()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch (state, unwrapOutboundIn(data)) {
        case (.heldBack, .head(var response)):
            state = .refused
            response.headerFields[.connection] = "close"
            context.write(wrapOutboundOut(.head(response)), promise: promise)
        case (.refused, .end):
            context.writeAndFlush(data, promise: promise)
            context.close(promise: nil)
        default: context.write(data, promise: promise)
        }
    }
}

/// A body that its sender holds back until the first part of it is asked for.
struct HeldBackBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    struct AsyncIterator: AsyncIteratorProtocol {
        var parts: RequestBody.AsyncIterator
        var channel: (any Channel)?

        @concurrent mutating func next() async throws -> ByteBuffer? {
            if let channel {
                self.channel = nil
                channel.pipeline.triggerUserOutboundEvent(ContinueHandler.BodyWanted(), promise: nil)
            }
            return try await parts.next()
        }
    }

    let body: RequestBody
    let channel: any Channel

    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(parts: body.makeAsyncIterator(), channel: channel)
    }
}

extension HTTPRequest {
    var expectsContinue: Bool { headerFields[.expect]?.lowercased() == "100-continue" }
}
