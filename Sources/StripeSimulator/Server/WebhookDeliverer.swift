import Logging
import ServiceLifecycle

/// Sends one web hook and says what was answered.
protocol WebhookSender: Sendable {
    /// Answers the status. Throws when there was none: `WebhookFailure` says why.
    func send(_ webhook: OutgoingWebhook) async throws(WebhookFailure) -> Int
}

/// Why a web hook got no answer.
struct WebhookFailure: Error {
    let reason: String
}

/// Takes what is due from the state, sends it, and reports what became of it.
struct WebhookDeliverer: Service {
    /// As many connections to one machine as do no harm.
    static let maximumInFlight = 16

    let host: SimulatorHost
    let sender: any WebhookSender
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown { await deliver() }
    }

    private func deliver() async {
        await withDiscardingTaskGroup { group in
            let inFlight = InFlight()
            while !Task.isCancelled {
                for webhook in host.takeDueWebhooks(limit: Self.maximumInFlight - inFlight.count) {
                    inFlight.change(by: 1)
                    group.addTask {
                        await send(webhook)
                        inFlight.change(by: -1)
                    }
                }
                await host.waitForWork(isFull: inFlight.count >= Self.maximumInFlight)
            }
            group.cancelAll()
        }
    }

    private func send(_ webhook: OutgoingWebhook) async {
        do throws(WebhookFailure) {
            let status = try await sender.send(webhook)
            host.report(webhook, status: status, failure: nil)
        } catch {
            logger.debug("a web hook was not delivered", metadata: ["reason": "\(error.reason)"])
            host.report(webhook, status: nil, failure: error.reason)
        }
    }
}
