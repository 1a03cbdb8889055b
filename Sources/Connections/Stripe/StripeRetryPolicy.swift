package import FlowEngine

/// Which answers of Stripe are worth sending the same request again, and when: the rule of Stripe's own clients.
package struct StripeRetryPolicy: Sendable, Hashable {
    private let attemptsMax: Int

    package init(attemptsMax: Int) {
        self.attemptsMax = attemptsMax
    }

    /// The wait before the next try, or nil when there is to be none.
    ///
    /// `Stripe-Should-Retry` decides first; otherwise 409 and 5xx are tried again. 0.5 s, doubling, at most 5 s, taken
    /// times 0.5 to 1, and never less than a `Retry-After` of up to 60 s.
    /// - Parameters:
    ///   - answer: what came back.
    ///   - attempt: the number of the try that got it, from 1.
    ///   - jitter: 0 to 1.
    /// - Returns: nil when the answer is to be taken as it is, or enough was tried.
    package func delay(after answer: OutsideAnswer, attempt: Int, jitter: Double) -> Duration? {
        guard attempt < attemptsMax else { return nil }
        switch answer.headers["stripe-should-retry"] {
        case "true": break
        case "false": return nil
        default: guard answer.status == 409 || answer.status >= 500 else { return nil }
        }
        let base = min(5000, 500 << min(attempt - 1, 10))
        let spread = Duration.milliseconds(Int(Double(base) * (0.5 + 0.5 * min(max(jitter, 0), 1))))
        guard let text = answer.headers["retry-after"], let seconds = Int(text), (0...60).contains(seconds) else {
            return spread
        }
        return max(spread, .seconds(seconds))
    }
}
