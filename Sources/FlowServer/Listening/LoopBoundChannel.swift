import HummingbirdCore
import Logging
import NIOCore

/// Handles each connection on the thread of its own event loop, where its bytes arrive and leave.
///
/// Else each request changes threads twice, which on two cores costs more than what is done for it. Nothing behind it
/// may block: the store's reads and the engine's writes have threads of their own.
struct LoopBoundChannel<Child: ServerChildChannel>: ServerChildChannel {
    let child: Child
    /// Answered ahead of the child's routes, if there is one.
    var direct: (any DirectRoute)?

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Child.Value> {
        let ready = child.setup(channel: channel, logger: logger)
        guard let direct else { return ready }
        return ready.flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            // Behind the one that counts requests in progress, so that a stop and an idle connection's end know of ours.
            let counting = try pipeline.handler(type: HTTPConnectionStateHandler.self)
            try pipeline.addHandler(DirectRouteHandler(direct), position: .after(counting))
            return value
        }
    }

    func handle(value: Child.Value, logger: Logger) async {
        await withTaskExecutorPreference(EventLoopExecutor(value.channel.eventLoop)) {
            await child.handle(value: value, logger: logger)
        }
    }
}

/// Runs tasks on an event loop's thread.
private final class EventLoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) { self.loop = loop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
