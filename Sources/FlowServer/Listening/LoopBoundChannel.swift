import Dispatch
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypesHTTP1
import Synchronization

/// Handles each connection on the thread of its own event loop, where its bytes arrive and leave.
///
/// Else each request changes threads twice, which on two cores costs more than what is done for it. Nothing behind it
/// may block: the store's reads and the engine's writes have threads of their own.
struct LoopBoundChannel<Child: ServerChildChannel>: ServerChildChannel {
    let child: Child
    /// Answered ahead of the child's routes, if there is one.
    var direct: (any DirectRoute)?

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Child.Value> {
        child.setup(channel: channel, logger: logger).flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let codec = try pipeline.handler(type: HTTP1ToHTTPServerCodec.self)
            try pipeline.addHandler(LastAnswerHandler(), position: .before(codec))
            guard let direct else { return value }
            // Behind the one that counts requests in progress, so that a stop and an idle connection's end know of ours.
            let counting = try pipeline.handler(type: HTTPConnectionStateHandler.self)
            try pipeline.addHandler(DirectRouteHandler(direct), position: .after(counting))
            return value
        }
    }

    func handle(value: Child.Value, logger: Logger) async {
        let executor = EventLoopExecutor(value.channel.eventLoop)
        await EventLoopExecutor.$current.withValue(executor) {
            await withTaskExecutorPreference(executor) {
                await child.handle(value: value, logger: logger)
            }
        }
    }
}

/// Runs tasks on an event loop's thread.
final class EventLoopExecutor: TaskExecutor {
    /// Of the connection whose request is handled.
    @TaskLocal static var current: EventLoopExecutor?

    /// Jobs of a connection one behind the other before its loop hears its sockets again.
    private static let streakMax = 64
    /// Requests of a connection before that: those that came in one read are handled without a pause in between.
    private static let requestsMax = 16

    private let loop: any EventLoop
    private let streak = Atomic<Int>(0)
    private let requests = Atomic<Int>(0)

    init(_ loop: any EventLoop) { self.loop = loop }

    /// Lets the connections of its loop have their turn, once in some requests.
    func nextRequest() async {
        guard requests.add(1, ordering: .relaxed).newValue >= Self.requestsMax else { return }
        requests.store(0, ordering: .relaxed)
        streak.store(Self.streakMax, ordering: .relaxed)
        await Task.yield()
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let run: @Sendable () -> Void = { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        guard loop.inEventLoop, streak.add(1, ordering: .relaxed).newValue > Self.streakMax else {
            if !loop.inEventLoop { streak.store(0, ordering: .relaxed) }
            return loop.execute(run)
        }
        streak.store(0, ordering: .relaxed)
        // A loop does all that its tasks add before it looks at its sockets: who sends thousands of requests at once
        // would keep it from all others. On the way around there is nothing to do for it.
        DispatchQueue.global().async { [loop] in loop.execute(run) }
    }
}
