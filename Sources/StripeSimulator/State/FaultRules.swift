/// Trouble on demand: which requests or web hooks meet which fault, how often.
struct FaultRules: Sendable, Equatable {
    enum Action: String, Sendable, CaseIterable {
        /// Answers with `status` without running.
        case answer
        /// Closes the connection before or after running.
        case tearBefore = "tear_before"
        case tearAfter = "tear_after"
        /// Runs, and holds the answer back for `delay_ms`.
        case slow
        /// Web hooks: sent twice, never, later by `delay_ms`, or after the one that follows.
        case duplicate, drop, delay, reorder

        var concernsWebhooks: Bool { [.duplicate, .drop, .delay, .reorder].contains(self) }
    }

    struct Rule: Sendable, Equatable {
        var action: Action
        /// Status of `answer`.
        var status = 500
        var delayMilliseconds: Int64 = 0
        /// `POST`, or nil for any.
        var method: String?
        /// Beginning of the path, or of the event's type for web hooks.
        var prefix = ""
        /// How many matches to let pass first.
        var skip = 0
        /// How many matches to hit; nil is for ever.
        var times: Int?
        /// Share of the matches to hit, from the seed: 0…1.
        var probability = 1.0

        /// The answer of a fault that does not run the request.
        func answer(requestID: String) -> SimulatorResponse? {
            guard action == .answer else { return nil }
            var envelope = Envelope(method: "GET", account: nil)
            envelope.requestID = requestID
            envelope.fail(FaultRules.error(status), accountID: "acct")
            return envelope.response()
        }
    }

    private(set) var rules: [Rule] = []

    mutating func add(_ rule: Rule) { rules.append(rule) }
    mutating func clear() { rules = [] }

    mutating func take(for request: SimulatorRequest, generator: inout SeededGenerator) -> Rule? {
        take(&generator) { rule in
            !rule.action.concernsWebhooks && rule.method.map { $0 == request.method } ?? true
                && request.path.hasPrefix(rule.prefix)
        }
    }

    mutating func takeWebhook(type: String, generator: inout SeededGenerator) -> Rule? {
        take(&generator) { $0.action.concernsWebhooks && type.hasPrefix($0.prefix) }
    }

    private mutating func take(_ generator: inout SeededGenerator, _ matches: (Rule) -> Bool) -> Rule? {
        for index in rules.indices where matches(rules[index]) {
            if rules[index].skip > 0 {
                rules[index].skip -= 1
                continue
            }
            if rules[index].times == 0 { continue }
            if rules[index].probability < 1 {
                let drawn = Double(generator.next() >> 11) / Double(1 << 53)
                if drawn >= rules[index].probability { continue }
            }
            if let times = rules[index].times { rules[index].times = times - 1 }
            return rules[index]
        }
        return nil
    }

    private static func error(_ status: Int) -> StripeError {
        switch status {
        case 429:
            StripeError(
                status: 429,
                code: "rate_limit",
                "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits."
            )
        case 409:
            StripeError(
                status: 429,
                code: "lock_timeout",
                "This object cannot be accessed right now because another API request or Stripe process is currently "
                    + "accessing it. If you see this error intermittently, retry the request. If you see this error "
                    + "frequently and are making multiple concurrent requests to a single object, make your requests "
                    + "serially or at a lower rate. For more details, see https://stripe.com/docs/rate-limits"
                    + "#object-lock-timeouts.",
                details: ["_should_retry": true]
            )
        default:
            StripeError(
                status: status,
                kind: .api,
                "An unknown error occurred",
                details: status == 503 ? ["_should_retry": true] : [:]
            )
        }
    }
}
