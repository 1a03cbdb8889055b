import Expressions
import FlowEngine
import FlowLanguage

/// Customers who want more than to buy. They ask until they are answered; what the answer says is theirs to bear.
extension SimulatedShop {
    /// An event that a customer sent: between which moments it was taken in.
    struct SentEvent: Sendable {
        var key: String
        var earliest: Timestamp
        var latest: Timestamp
    }

    /// Some of the errands, by the seed: all of them in each world would make few worlds.
    func runErrand(_ number: Int) async {
        await outside.pause(upTo: 8_000)
        let key = "errand-\(number)"
        switch world.draw(8) {
        case 0: await awaitParcel(key)
        case 1: await errand("errand-nest", key, key)
        case 2:
            await withDiscardingTaskGroup { group in
                for place in 1...3 {
                    group.addTask { await self.errand("errand-queue", "line-\(number % 2)", "\(key)-\(place)") }
                }
            }
        case 3: await takeAndRestock(key)
        case 4: await errand("errand-late", key, key)
        case 5: await errand("errand-mill", key, key)
        case 6: await errand("errand-code", key, key)
        default: await deliverToHook(key)
        }
    }

    private func errand(_ flow: String, _ key: String, _ call: String) async {
        while true {
            let answer = try? await server.call { running in
                try await running.engine.callPage(
                    flow,
                    input: ["key": .string(key)],
                    caller: Caller(id: "ann@example.com", roles: ["customer"]),
                    idempotencyKey: call,
                    timeLimit: .seconds(30)
                )
            }
            if case .answered = answer { return }
            await outside.pause(upTo: 3_000)
        }
    }

    private func awaitParcel(_ key: String) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.errand("errand-parcel", key, key) }
            if !world.oneIn(4) {
                group.addTask {
                    await self.outside.pause(upTo: 90_000)
                    await self.send(key)
                    // A second one that nobody waits for.
                    if self.world.oneIn(3) { await self.send(key) }
                }
            }
        }
    }

    /// With the same idempotency key until it is taken in: however often it arrives, it is one event.
    private func send(_ key: String) async {
        let earliest = world.now
        while true {
            let receipt = try? await server.call { running in
                try await running.engine.receive(
                    event: "parcel",
                    key: key,
                    data: ["of": .string(key)],
                    caller: Caller(id: "ann@example.com", roles: ["customer"]),
                    idempotencyKey: "\(key) \(earliest)"
                )
            }
            if receipt != nil { return note(SentEvent(key: key, earliest: earliest, latest: world.now)) }
            await outside.pause(upTo: 3_000)
        }
    }

    private func takeAndRestock(_ key: String) async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.errand("errand-take", key, "\(key)-take") }
            group.addTask {
                await self.outside.pause(upTo: 20_000)
                await self.errand("errand-restock", key, "\(key)-restock")
            }
        }
    }

    /// As a sender that repeats what was not acknowledged, and now and then what was.
    private func deliverToHook(_ key: String) async {
        for delivery in 1...2 {
            let id = "\(key)-\(delivery)"
            var isTaken = false
            while !isTaken || world.oneIn(3) {
                let taken: Void? = try? await server.call { running in
                    _ = try await running.engine.receive(
                        hook: "errand-hook",
                        eventID: id,
                        trigger: ["body": ["id": .string(id)]],
                        body: Array(id.utf8)
                    )
                }
                if taken != nil { isTaken = true }
                await outside.pause(upTo: 3_000)
            }
            note(delivered: id)
        }
    }

    // MARK: The operator

    /// Somebody who pauses, resumes, cancels and does again, at any time; what pays for orders is not cancelled.
    func operate() async {
        while !isOver {
            await outside.pause(upTo: 12_000)
            let runs = try? await server.call { running in
                try await running.engine.store.read { (reader) throws(StoreError) in
                    try reader.runs(matching: RunFilter(limit: 1_000))
                }
            }
            guard let runs else { continue }
            await settle(runs)
            guard !server.troubles.isOver else { continue }
            let roots = runs.filter { $0.start.parent == nil }
            let open = roots.filter { !$0.status.isFinal }
            let errands = open.filter { $0.start.flow.hasPrefix("errand-") }
            switch world.draw(6) {
            case 0, 1, 2: if let run = any(open) { await change { try await $0.pause(run.id) } }
            case 3: if let run = any(errands) { await change { try await $0.cancel(run.id) } }
            case 4: if let run = any(open) { await change { try await $0.resume(run.id) } }
            default:
                let over = roots.filter { Self.canBeDoneAgain($0) }
                if let run = any(over) { await change { try await $0.rerun(run.id, from: .beginning) } }
            }
        }
    }

    /// Nothing stays paused or undecided for long.
    private func settle(_ runs: [RunRecord]) async {
        for run in runs {
            switch run.status {
            case .paused where server.troubles.isOver || world.oneIn(3):
                await change { try await $0.resume(run.id) }
            case .outcomeUnknown: await change { try await $0.decide(run.id, .sendAgain) }
            default: break
            }
        }
    }

    private static func canBeDoneAgain(_ run: RunRecord) -> Bool {
        let flows = ["errand-code", "errand-mill", "errand-nest", "errand-parcel", "errand-queue"]
        return run.status.isFinal && run.start.rerunOf == nil && flows.contains(run.start.flow)
    }

    private func any(_ runs: [RunRecord]) -> RunRecord? { runs.isEmpty ? nil : runs[world.draw(runs.count)] }

    private func change<R: Sendable>(_ body: @escaping @Sendable (Engine) async throws -> R) async {
        // Refused, lost or too late: an operator looks again.
        _ = try? await server.call { running in try await body(running.engine) }
    }
}
