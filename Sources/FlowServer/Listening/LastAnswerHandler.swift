import NIOCore
import NIOHTTP1

/// Ends a connection behind the answer to its last request: one that says so, in whatever letters (RFC 9112, 9.6), one
/// of HTTP/1.0 that does not ask to go on, and one that asks for another protocol, behind which nothing is read as HTTP.
///
/// Stands before the headers become `HTTPFields`, which keep no version, and the target a path, which keeps no host.
final class LastAnswerHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Of a body whose request was answered without it: a sender that goes on for longer is hung up on.
    static let drainedBytes = 4 << 20

    /// Requests whose head came, and answers whose end was written.
    private var (requests, answers) = (0, 0)
    /// The number of the last request, once it is known.
    private var last: Int?
    private var drained = 0

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var data = data
        switch unwrapInboundIn(data) {
        case .head(var head):
            requests += 1
            drained = 0
            if head.uri.utf8.first != UInt8(ascii: "/"), !head.namesOneHost {
                head.headers.remove(name: "host")
                data = wrapInboundOut(.head(head))
            }
            if last == nil, !head.isKeepAlive || head.method == .CONNECT || head.headers.contains(name: "upgrade") {
                last = requests
            }
        case .body(let bytes) where answers >= requests:
            drained += bytes.readableBytes
            guard drained <= Self.drainedBytes else { return context.close(promise: nil) }
        case .body, .end: break
        }
        // What stands behind the last request is nobody's.
        if let last, requests > last { return }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head) where answers + 1 == last && !(100..<200).contains(head.status.code):
            head.headers.replaceOrAdd(name: "connection", value: "close")
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .end:
            answers += 1
            guard answers == last else { return context.write(data, promise: promise) }
            // Not before it has left: a close drops what is still to be written.
            let left = promise ?? context.eventLoop.makePromise(of: Void.self)
            left.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
            context.writeAndFlush(data, promise: left)
        case .head, .body: context.write(data, promise: promise)
        }
    }
}

extension HTTPRequestHead {
    /// Whether a target that is a whole URL means the same host as `Host` (RFC 9112, 3.2.2).
    ///
    /// A request that names two is treated as one that names none.
    fileprivate var namesOneHost: Bool {
        guard let mark = uri.firstRange(of: "://") else { return true }
        let named = uri[mark.upperBound...].prefix { !"/?#".contains($0) }
        return named.lowercased() == headers.first(name: "host")?.lowercased()
    }
}
