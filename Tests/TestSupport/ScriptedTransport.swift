package import FlowEngine
import Synchronization

/// A fake transport: what it answers is what the test's script says; it reaches nothing.
package final class ScriptedTransport: Transport {
    package struct Sent: Sendable {
        package var request: OutsideRequest
        package var mode: Mode
    }

    private struct State {
        var sent: [Sent] = []
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let script: @Sendable (_ request: OutsideRequest, _ number: Int) async -> TransportResult
    private let state = Mutex(State())

    /// - Parameter script: Gets the request and its number, from 1.
    package init(_ script: @escaping @Sendable (OutsideRequest, Int) async -> TransportResult) {
        self.script = script
    }

    /// Answers every request with 200 and a JSON object that names the path.
    package convenience init() {
        self.init { request, _ in
            .answered(OutsideAnswer(status: 200, body: Array("{\"path\":\"\(request.path)\"}".utf8)))
        }
    }

    /// Everything that was sent so far, in order.
    package var sent: [Sent] { state.withLock { $0.sent } }

    package func send(_ request: OutsideRequest, mode: Mode) async -> TransportResult {
        let (number, ready) = state.withLock { state in
            state.sent.append(Sent(request: request, mode: mode))
            let count = state.sent.count
            let ready = state.waiters.filter { $0.count <= count }.map(\.continuation)
            state.waiters.removeAll { $0.count <= count }
            return (count, ready)
        }
        for continuation in ready { continuation.resume() }
        return await script(request, number)
    }

    /// Returns once `count` requests have been sent.
    package func waitForSent(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.sent.count >= count { return true }
                state.waiters.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}

/// A door that holds tasks back until a test opens it, or until they are cancelled.
package final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
        var cancelled: Set<Int> = []
        var nextTicket = 0
    }

    private let state = Mutex(State())

    package init() {}

    package func pass() async {
        let ticket = state.withLock { state in
            defer { state.nextTicket += 1 }
            return state.nextTicket
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    if state.isOpen || state.cancelled.contains(ticket) { return true }
                    state.waiting[ticket] = continuation
                    return false
                }
                if isOpen { continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                state.cancelled.insert(ticket)
                return state.waiting.removeValue(forKey: ticket)
            }
            waiting?.resume()
        }
    }

    package func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume() }
    }
}
