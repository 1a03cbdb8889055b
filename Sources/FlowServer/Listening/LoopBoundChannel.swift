import HummingbirdCore
import Logging
import NIOCore

/// Handles each connection on the thread of its own event loop, where its bytes arrive and leave.
///
/// Else each request changes threads twice, which on two cores costs more than what is done for it. Nothing behind it
/// may block: the store's reads and the engine's writes have threads of their own.
struct LoopBoundChannel<Child: ServerChildChannel>: ServerChildChannel {
    let child: Child

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Child.Value> {
        child.setup(channel: channel, logger: logger)
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
