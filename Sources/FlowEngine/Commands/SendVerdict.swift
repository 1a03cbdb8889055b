import FlowLanguage

/// What is known of earlier sendings of the request that has now got an answer.
enum EarlierSendings: Sendable, Hashable {
    /// None of them can have been executed.
    case none
    /// One may have been executed, and the service still knows its key.
    case open
    /// One may have been executed so long ago that the service may have forgotten its key.
    case openAndOld
}

/// What a transport's result means for a request, given how its effect may be repeated.
enum SendVerdict: Sendable, Hashable {
    /// The command decides.
    case answered(OutsideAnswer)
    /// Send it again with the same key.
    case again(isUncertain: Bool, reason: String, after: Duration?)
    /// It was not sent, and sending it again would not help.
    case refused(reason: String)
    /// The answer cannot be taken, and another would be no better; nothing was changed by asking.
    case unusable(reason: String)
    /// It may have been executed and must not be repeated.
    case unknown(reason: String)

    /// What the author expects (`isExpected`) is an answer, and no reason to ask again.
    init(
        _ result: TransportResult,
        effect: Effect,
        earlier: EarlierSendings = .none,
        isExpected: (OutsideAnswer) -> Bool = { _ in false }
    ) {
        switch result {
        case .notSent(let reason, retryable: true): self = .again(isUncertain: false, reason: reason, after: nil)
        case .notSent(let reason, retryable: false): self = .refused(reason: reason)
        case .unusable(let reason): self = .unusable(reason: reason)
        case .lost(let reason):
            self = effect == .once ? .unknown(reason: reason) : .again(isUncertain: true, reason: reason, after: nil)
        case .answered(let answer) where isExpected(answer): self = .answered(answer)
        case .answered(let answer):
            let reason = "the service answered \(answer.status)"
            let pause = answer.headers["retry-after"].flatMap(Int64.init).map { Duration.seconds(max(0, min($0, 60))) }
            switch answer.status {
            case 429: self = .again(isUncertain: false, reason: reason, after: pause)
            // Another request with this key is being executed, a lock timed out, or somebody on the way ran out of time.
            case 408, 409:
                self =
                    effect == .keyed ? .again(isUncertain: true, reason: reason, after: pause) : .answered(answer)
            case 400..<500 where effect == .keyed && earlier != .none && !answer.isReplayed:
                if answer.saysNothingOfOthers {
                    self = .again(isUncertain: true, reason: reason, after: pause)
                } else if earlier == .openAndOld {
                    self = .unknown(reason: "\(reason), and may have forgotten the key of an earlier sending")
                } else {
                    // Had an earlier one been executed, the service would have given its answer.
                    self = .answered(answer)
                }
            case 500...:
                self =
                    effect == .once
                    ? .unknown(reason: reason) : .again(isUncertain: true, reason: reason, after: pause)
            default: self = .answered(answer)
            }
        }
    }
}

extension OutsideAnswer {
    /// Whether it is a refusal at the door: of who asks, how often or by which way, before anybody looked up the key.
    ///
    /// It says nothing about another sending of the same request, which may have been executed.
    package var saysNothingOfOthers: Bool { [401, 403, 404, 407, 408, 409, 421, 425, 429].contains(status) }

    /// The first answer to the key, given again ([Stripe](https://docs.stripe.com/api/idempotent_requests)).
    fileprivate var isReplayed: Bool { headers["idempotent-replayed"] == "true" }
}

/// The pauses between repetitions of one request: exponential, with jitter, bounded.
struct Backoff: Sendable {
    var first: Duration
    /// Thousandths by which each pause is longer than the one before.
    var factor: Int
    var max: Duration
    /// Thousandths of the pause by which it is lengthened or shortened at most.
    var jitter: Int

    static let standard = Backoff(first: .milliseconds(500), factor: 2_000, max: .seconds(60), jitter: 200)

    /// The pause before the sending with the number `attempt`, which counts from 2.
    func delay(before attempt: Int, random: any RandomSource) -> Duration {
        var delay = first
        for _ in 2..<Swift.max(2, Swift.min(attempt, 32)) { delay = min(delay * factor / 1_000, max) }
        let bytes = random.bytes(2)
        let random = bytes.reduce(0) { $0 << 8 | Int($1) }
        let thousandths = 1_000 - jitter + random * 2 * jitter / 65_535
        return delay * thousandths / 1_000
    }
}
