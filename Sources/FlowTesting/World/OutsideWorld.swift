import Connections
import FlowEngine
import FlowLanguage
import Synchronization

/// Holds back every request that leaves the engine, until whoever drives the case answers it: so the order of answers
/// is the case's, not the machine's.
final class OutsideWorld: Transport {
    struct Held: Sendable {
        /// In the order in which requests were first seen waiting, from 1.
        var number: Int
        var request: OutsideRequest
        fileprivate var ticket: Int
    }

    private struct Waiting {
        var request: OutsideRequest
        var number: Int?
        var ticket: Int
        var continuation: CheckedContinuation<TransportResult, Never>
    }

    private struct State {
        var waiting: [Waiting] = []
        var tickets = 0
        /// Of the requests that have a number.
        var effects: [Effect] = []
        var isClosed = false
    }

    private let state = Mutex(State())

    func send(_ request: OutsideRequest, mode: Mode) async -> TransportResult {
        await withCheckedContinuation { continuation in
            let isClosed = state.withLock { state in
                if state.isClosed { return true }
                state.tickets += 1
                state.waiting.append(
                    Waiting(request: request, number: nil, ticket: state.tickets, continuation: continuation)
                )
                return false
            }
            if isClosed { continuation.resume(returning: .lost(reason: "the process is dead")) }
        }
    }

    var count: Int { state.withLock { $0.waiting.count } }
    /// How the requests seen so far may be repeated, in the order of their numbers.
    var effects: [Effect] { state.withLock { $0.effects } }

    /// The requests that wait, oldest first.
    ///
    /// Those that came at once are told apart by what they say, since their tasks ran in any order.
    func held() -> [Held] {
        state.withLock { state in
            let fresh = state.waiting.indices.filter { state.waiting[$0].number == nil }
                .sorted { state.waiting[$0].request.sortKey < state.waiting[$1].request.sortKey }
            for index in fresh {
                state.effects.append(state.waiting[index].request.effect)
                state.waiting[index].number = state.effects.count
            }
            return state.waiting.sorted { ($0.number ?? 0) < ($1.number ?? 0) }
                .map { Held(number: $0.number ?? 0, request: $0.request, ticket: $0.ticket) }
        }
    }

    func answer(_ held: Held, _ result: TransportResult) {
        let waiting = state.withLock { state in
            state.waiting.firstIndex { $0.ticket == held.ticket }.map { state.waiting.remove(at: $0) }
        }
        waiting?.continuation.resume(returning: result)
    }

    /// The process is dead: nobody hears the answers, and what still comes is let go at once.
    func close() {
        let waiting = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in waiting { one.continuation.resume(returning: .lost(reason: "the process is dead")) }
    }

    /// The next process has begun.
    func open() { state.withLock { $0.isClosed = false } }
}

extension OutsideRequest {
    fileprivate var sortKey: String {
        "\(connection) \(method) \(path) \(String(decoding: body.prefix(4_096), as: UTF8.self)) \(key ?? "")"
    }
}
