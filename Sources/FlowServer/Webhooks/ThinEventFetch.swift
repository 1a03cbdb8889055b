import Expressions
package import FlowEngine
package import Logging
package import Payments
import ServiceLifecycle

/// Fetches the objects of Stripe's thin events, which are answered once they are durable and before anything is asked.
///
/// The deliveries are the queue: what a crash left over is taken up at the next start.
package struct ThinEventFetch: Service {
    /// Between two looks that nothing asked for.
    private static let interval = Duration.seconds(30)

    /// Before an object that Stripe refused to give is asked for again.
    private static let patience = Duration.seconds(300)

    /// In each round; the command line lists all (`runnel payments reconcile`).
    private static let problemsLogged = 10

    private let engine: Engine
    private let reconciler: PaymentsReconciler
    private let logger: Logger
    private let bell = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    package init(engine: Engine, reconciler: PaymentsReconciler, logger: Logger) {
        self.engine = engine
        self.reconciler = reconciler
        self.logger = logger
    }

    /// A thin event is on disk.
    package func ring() { bell.continuation.yield() }

    package func run() async throws {
        await engine.waitUntilReady()
        ring()
        await cancelWhenGracefulShutdown {
            async let _: Void = ringRegularly()
            var refused: [String: Timestamp] = [:]
            for await _ in bell.stream {
                await fetch(&refused)
                if Task.isCancelled { return }
            }
        }
    }

    /// Looks without being told.
    ///
    /// An event that came before its object was known waits for it only once a command has learnt of the object, in the
    /// midst of a transaction that knows of no bell.
    private func ringRegularly() async {
        while let next = engine.clock.now() + Self.interval, (try? await engine.clock.sleep(until: next)) != nil {
            ring()
        }
    }

    /// Tries until everything was asked for; `fetchAwaited` has waited out what is short already.
    ///
    /// What Stripe refuses to give is passed over for a while and holds up nobody: `refused` says until when.
    private func fetch(_ refused: inout [String: Timestamp]) async {
        var pause = Duration.seconds(10)
        while !Task.isCancelled {
            let now = engine.clock.now()
            refused = refused.filter { $0.value > now }
            do {
                let found = try await reconciler.fetchAwaited(passingOver: Set(refused.keys)).refused
                for name in found.keys { refused[name] = now + Self.patience ?? now }
                for problem in found.values.sorted().prefix(Self.problemsLogged) { logger.warning("\(problem)") }
                return
            } catch is CancellationError {
                return
            } catch {
                logger.warning("thin events wait for their objects", metadata: ["reason": "\(error)"])
            }
            // Cancelled when the server stops: what waits is on disk.
            guard let next = engine.clock.now() + pause, (try? await engine.clock.sleep(until: next)) != nil else {
                return
            }
            pause = min(pause * 2, .seconds(300))
        }
    }
}
