import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import FlowServer

@Suite("A loop that many connections share", .timeLimit(.minutes(1)))
struct LoopFairnessTests {
    @Test(
        "hears its sockets though one connection has work without end, in jobs or in requests that came at once",
        arguments: [false, true]
    )
    func endlessWork(ofRequests: Bool) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let heard = Heard()
        let server = try await ServerBootstrap(group: group)
            .childChannelInitializer { $0.pipeline.addHandler(Listener(heard)) }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = try #require(server.localAddress)
        let executor = EventLoopExecutor(group.next())
        let working = Task(executorPreference: executor) {
            while !heard.value {
                if ofRequests { await executor.nextRequest() } else { await Task.yield() }
            }
        }
        let client = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connect(to: address).get()
        try await client.writeAndFlush(ByteBuffer(string: "hello"))
        await working.value
        try await client.close()
        try await server.close()
        try await group.shutdownGracefully()
    }
}

private final class Heard: Sendable {
    private let flag = Atomic(false)
    var value: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}

private final class Listener: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    private let heard: Heard
    init(_ heard: Heard) { self.heard = heard }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) { heard.set() }
}
