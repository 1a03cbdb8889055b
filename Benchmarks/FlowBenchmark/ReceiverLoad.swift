import Connections
import FlowEngine
import FlowServer
import FlowStores
import Payments

/// Signed events straight into the receiver of Stripe's web hooks, with no HTTP: so many that a counter of instructions
/// (`valgrind --tool=callgrind`) shows where those of one event go.
struct ReceiverLoad {
    let folder: String
    let events: Int

    /// Returns when each event is durable and each callback run has ended.
    func run() async throws {
        let credentials = HookCredentials()
        try await EngineLoad.with(folder: folder, credentials: credentials) { load in
            try HookLoad.seedPayments(load, events: events)
            let webhook = StripeWebhook(
                connection: "stripe",
                mode: .test,
                credentials: StripeCredentials(credentials)
            )
            let receiver = PaymentsHookReceiver(engine: load.engine, webhook: webhook, payments: load.feature)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for sender in 0..<HookLoad.connections {
                    group.addTask {
                        for number in stride(from: sender, to: events, by: HookLoad.connections) {
                            let (body, signature) = HookLoad.signed(number)
                            let verdict = await withCheckedContinuation { continuation in
                                receiver.receive(body: body, signature: signature) {
                                    continuation.resume(returning: $0)
                                }
                            }
                            guard case .accepted = verdict else {
                                throw BenchmarkFailure("event \(number) was answered \(verdict)")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            while load.engine.counters.figures.turns[.succeeded] ?? 0 < events / 10 { await Task.yield() }
        }
    }
}
