/// `retry:` of a block: how often it is attempted, when, and after which failures.
///
/// Attempts are the business's: each has its own entry and, for an outside effect, its own key. A request whose answer
/// was lost is none; it is sent again with its key, whether or not there is a `retry`.
package struct RetryPolicy: Sendable {
    /// Attempts in all, the first included.
    package var attempts: Int
    /// The pause before the second attempt.
    package var first: Duration
    /// Thousandths by which each pause is longer than the one before.
    package var factor: Int
    /// The longest pause.
    package var max: Duration
    /// Thousandths of a pause by which it is lengthened or shortened at most.
    package var jitter: Int
    /// Whether a failure is worth another attempt, over `error`; nil: if it is `retryable`.
    package var on: PlacedExpression?

    package init(
        attempts: Int,
        first: Duration,
        factor: Int,
        max: Duration,
        jitter: Int,
        on: PlacedExpression? = nil
    ) {
        self.attempts = attempts
        self.first = first
        self.factor = factor
        self.max = max
        self.jitter = jitter
        self.on = on
    }
}

/// What a `wait` block waits for.
package enum WaitBlock: Sendable {
    /// Until so much time has passed.
    case span(ValueTemplate)
    case time(PlacedExpression)
    /// An event of that name and, if one is given, with that key.
    case event(name: String, key: ValueTemplate?)
}
