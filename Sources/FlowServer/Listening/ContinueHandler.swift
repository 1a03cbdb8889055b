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

    /// Requests read before the one that is being read, and answers before the one that is being written: a sender may
    /// begin a request before it has the answer to the last.
    private var (read, answered) = (-1, 0)
    /// The request whose sender waits for a word.
    private var heldBack: Int?
    /// Whether the answer that is being written is the last one.
    private var isRefusing = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let request):
            read += 1
            heldBack = request.expectsContinue ? read : nil
        // It comes without being asked for.
        case .body, .end: heldBack = nil
        }
        context.fireChannelRead(data)
    }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext,
        event: Any,
        promise: EventLoopPromise<Void>?
    ) {
        guard event is BodyWanted else { return context.triggerUserOutboundEvent(event, promise: promise) }
        if heldBack == answered {
            heldBack = nil
            context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
        }
        promise?.succeed()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var response) where heldBack == answered:
            isRefusing = true
            response.headerFields[.connection] = "close"
            context.write(wrapOutboundOut(.head(response)), promise: promise)
        case .end where isRefusing:
            context.writeAndFlush(data, promise: promise)
            context.close(promise: nil)
        case .end:
            answered += 1
            context.write(data, promise: promise)
        case .head, .body: context.write(data, promise: promise)
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
