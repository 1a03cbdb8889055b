import Crypto
import Expressions
import FlowEngine
import Synchronization

/// Tickets that stand in the URL of a subscription in place of a token: for one use, within half a minute.
///
/// Kept in memory as hashes: whoever still had one at a restart asks for another.
final class SubscriptionTickets: Sendable {
    struct Ticket: Sendable {
        let scope: RowScope
        /// Under whose name the subscription counts.
        let caller: String
        /// Says whether whoever asked for it may still follow.
        let right: SubscriptionRight
        let expiresAt: Timestamp
        /// Its place in the order goes later, with those that expire.
        fileprivate var isUsed = false
    }

    static let lifetime = Duration.seconds(30)
    private static let prefix = "rnt_"

    private struct State {
        var tickets: [[UInt8]: Ticket] = [:]
        /// In the order of issue, which is that of expiry.
        var order: ArraySlice<[UInt8]> = []
    }

    private let clock: any FlowEngine.Clock
    private let random: any RandomSource
    private let limit: Int
    private let state = Mutex(State())

    init(clock: any FlowEngine.Clock, random: any RandomSource, limit: Int) {
        self.clock = clock
        self.random = random
        self.limit = limit
    }

    /// - Returns: The ticket's text, which is shown once.
    /// - Throws: `Problem` 503 when the clock has run out.
    func issue(_ scope: RowScope, caller: String, right: SubscriptionRight) throws -> String {
        let text = Self.prefix + random.bytes(24).map(Self.hex).joined()
        let now = clock.now()
        guard let expiry = now + Self.lifetime else { throw Problem.stopping }
        state.withLock { state in
            while let first = state.order.first, let known = state.tickets[first], known.expiresAt <= now {
                state.tickets[first] = nil
                state.order.removeFirst()
            }
            if state.order.count >= limit, let first = state.order.popFirst() { state.tickets[first] = nil }
            let hash = Self.hash(text)
            state.tickets[hash] = Ticket(scope: scope, caller: caller, right: right, expiresAt: expiry)
            state.order.append(hash)
            if state.order.startIndex > limit { state.order = ArraySlice(Array(state.order)) }
        }
        return text
    }

    /// The ticket, which is used up by it; nil for one that is unknown, used or too old.
    func redeem(_ text: String) -> Ticket? {
        guard text.hasPrefix(Self.prefix), text.utf8.count == Self.prefix.utf8.count + 48 else { return nil }
        let hash = Self.hash(text)
        let now = clock.now()
        let ticket = state.withLock { state in
            let ticket = state.tickets[hash]
            state.tickets[hash]?.isUsed = true
            return ticket
        }
        return ticket.flatMap { $0.expiresAt > now && !$0.isUsed ? $0 : nil }
    }

    private static func hash(_ text: String) -> [UInt8] { Array(SHA256.hash(data: Array(text.utf8))) }

    private static func hex(_ byte: UInt8) -> String {
        let digits = Array("0123456789abcdef")
        return String([digits[Int(byte >> 4)], digits[Int(byte & 15)]])
    }
}
