import Expressions
import FlowEngine
import FlowServer
import Foundation
import Synchronization

@testable import StripeSimulator

/// The people around the server: customers who order and pay, an admin who refunds, and Stripe, which tells of it.
///
/// None of them gives up: what they asked for and got no answer to, they ask for again with the same key.
final class SimulatedShop: Sendable {
    /// What a customer wanted, as far as it came.
    struct Purchase: Sendable {
        var order: Int64
        var isRefunded: Bool
    }

    private struct State {
        var purchases: [Purchase] = []
        var complaints: [String] = []
        var isOver = false
        var events: [SentEvent] = []
        var deliveries: [String] = []
    }

    let server: SimulatedServer
    let outside: SimulatedProcess
    private let state = Mutex(State())

    init(_ server: SimulatedServer) {
        self.server = server
        outside = SimulatedProcess(server.world)
    }

    var world: SimulatedWorld { server.world }
    private var stripe: SimulatedStripe { server.stripe }
    var isOver: Bool { state.withLock { $0.isOver } }
    var purchases: [Purchase] { state.withLock { $0.purchases } }
    var complaints: [String] { state.withLock { $0.complaints } }

    /// What customers told the runs that wait for it.
    var events: [SentEvent] { state.withLock { $0.events } }
    /// What was delivered to the hook of errands, each id once.
    var deliveries: [String] { state.withLock { $0.deliveries } }

    func note(_ event: SentEvent) { state.withLock { $0.events.append(event) } }
    func note(delivered id: String) { state.withLock { $0.deliveries.append(id) } }

    private func complain(_ text: String) { state.withLock { $0.complaints.append(text) } }

    /// Starts everyone; `isOver` when all customers have what they want and Stripe has told everything.
    func open(customers: Int, errands: Int = 0) {
        Task(executorPreference: outside) { [self] in
            await withDiscardingTaskGroup { group in
                group.addTask { await self.deliverWebhooks() }
                if world.oneIn(2) { group.addTask { await self.operate() } }
                group.addTask {
                    _ = await self.ask("add-product", ["name": "ticket", "price": 1_500], "product", role: "admin")
                    await withDiscardingTaskGroup { group in
                        for number in 1...customers { group.addTask { await self.buy(number) } }
                        for number in 0..<errands { group.addTask { await self.runErrand(number) } }
                    }
                    while self.stripe.hasWaitingWebhooks { await self.outside.pause(upTo: 2_000) }
                    await self.waitForRuns()
                    self.state.withLock { $0.isOver = true }
                }
            }
        }
    }

    // MARK: Customers

    private func buy(_ number: Int) async {
        await outside.pause(upTo: 5_000)
        let placed = await ask("place-order", ["product": 1, "quantity": .int(Int64(number))], "order-\(number)")
        guard let order = placed["orderId"]?.intValue else { return complain("no order: \(placed)") }
        // A customer who clicks twice: each click has a key of its own.
        let clicks = 1 + world.draw(2)
        var intent: String?
        for click in 1...clicks {
            let flow = ["checkout", "checkout-beside", "checkout-code"][world.draw(3)]
            let answer = await ask(flow, ["orderId": .int(order)], "checkout-\(number)-\(click)")
            guard let secret = answer["clientSecret"]?.stringValue else { return complain("no intent: \(answer)") }
            let id = secret.components(separatedBy: "_secret_").first
            if let intent, intent != id { complain("order \(order) has two intents") }
            intent = id
        }
        guard let intent else { return }
        if world.oneIn(3) { pay(intent, "pm_card_chargeDeclined") }
        await outside.pause(upTo: 3_000)
        pay(intent, "pm_card_visa")
        await wait(for: order, toBe: "PAID")
        let isRefunded = world.oneIn(2)
        if isRefunded {
            _ = await ask("refund-order", ["orderId": .int(order)], "refund-\(number)", role: "admin")
            await wait(for: order, toBe: "REFUNDED")
        }
        state.withLock { $0.purchases.append(Purchase(order: order, isRefunded: isRefunded)) }
    }

    private func pay(_ intent: String, _ method: String) {
        stripe.call(
            "POST",
            "/v1/payment_intents/\(intent)/confirm",
            "payment_method=\(method)&return_url=https://shop.example.com"
        )
    }

    /// Calls a page until it answers.
    private func ask(_ flow: String, _ input: Value, _ key: String, role: String = "customer") async -> Value {
        while true {
            let answer = try? await server.call { running in
                try await running.engine.callPage(
                    flow,
                    input: input,
                    caller: Caller(id: "ann@example.com", roles: [role]),
                    idempotencyKey: key,
                    timeLimit: .seconds(30)
                )
            }
            if case .answered(let answer, _) = answer {
                if answer.status != 200 { complain("\(flow) answered \(answer.status): \(answer.body)") }
                return answer.body
            }
            await outside.pause(upTo: 3_000)
        }
    }

    /// Stripe tells of it, the callback marks it: all without the customer, for an hour at most.
    private func wait(for order: Int64, toBe status: String) async {
        guard let end = world.now + .seconds(3_600) else { return }
        while world.now < end {
            let row = try? await server.call { running in
                try await running.engine.store.read { (reader) throws(StoreError) in
                    let own = [ResolvedCondition("id", equals: .int(order))]
                    return try reader.find(RecordQuery(table: "orders", where: own, limit: 1)).first
                }
            }
            if row?["status"]?.stringValue == status { return }
            await outside.pause(upTo: 5_000)
        }
        complain("order \(order) was not \(status) within an hour")
    }

    private func waitForRuns() async {
        guard let end = world.now + .seconds(3_600) else { return }
        while world.now < end {
            let open = try? await server.call { running in
                try await running.engine.store.read { (reader) throws(StoreError) in
                    try reader.runs(matching: RunFilter(limit: 1_000)).filter { !$0.status.isFinal }.count
                }
            }
            if open == 0 { return }
            await outside.pause(upTo: 5_000)
        }
        complain("a run has not ended within an hour")
    }

    // MARK: Stripe's web hooks

    private func deliverWebhooks() async {
        await withDiscardingTaskGroup { group in
            while !isOver {
                for webhook in stripe.takeDueWebhooks() { group.addTask { await self.deliver(webhook) } }
                await outside.pause(upTo: 1_000)
            }
        }
    }

    /// Late by up to some seconds, so that events overtake one another; sometimes twice at once.
    private func deliver(_ webhook: OutgoingWebhook) async {
        await outside.pause(upTo: 4_000)
        let signature = webhook.headers.first { $0.name == "Stripe-Signature" }?.value
        let copies = world.oneIn(6) ? 2 : 1
        let verdicts = await withTaskGroup(of: Bool.self) { group in
            for _ in 1...copies {
                group.addTask {
                    let verdict = try? await self.server.call { running in
                        await running.hooks.receive(body: webhook.body, signature: signature)
                    }
                    switch verdict {
                    case .accepted, .repeated: return true
                    case .refused(let status, let code, _):
                        self.complain("an event was refused: \(status) \(code)")
                        return false
                    case .unavailable, nil: return false
                    }
                }
            }
            return await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        stripe.report(webhook, status: verdicts.contains(true) ? 200 : nil)
    }
}
