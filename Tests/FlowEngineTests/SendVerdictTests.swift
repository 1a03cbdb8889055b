@testable import FlowEngine
import FlowLanguage
import Testing
import TestSupport

@Suite("What a transport's result means")
struct SendVerdictTests {
    struct Case: Sendable {
        var result: TransportResult
        var effect: Effect
        var verdict: SendVerdict
    }

    private static func answered(_ status: Int, _ headers: [String: String] = [:]) -> TransportResult {
        .answered(OutsideAnswer(status: status, headers: headers))
    }

    private static func said(_ status: Int) -> String { "the service answered \(status)" }

    static let cases: [Case] = [
        Case(result: .lost(reason: "x"), effect: .keyed, verdict: .again(isUncertain: true, reason: "x", after: nil)),
        Case(result: .lost(reason: "x"), effect: .safe, verdict: .again(isUncertain: true, reason: "x", after: nil)),
        Case(result: .lost(reason: "x"), effect: .once, verdict: .unknown(reason: "x")),
        Case(
            result: .notSent(reason: "x", retryable: true),
            effect: .once,
            verdict: .again(isUncertain: false, reason: "x", after: nil)
        ),
        Case(result: .notSent(reason: "x", retryable: false), effect: .keyed, verdict: .refused(reason: "x")),
        Case(
            result: answered(429, ["retry-after": "7"]),
            effect: .once,
            verdict: .again(isUncertain: false, reason: said(429), after: .seconds(7))
        ),
        Case(
            result: answered(409),
            effect: .keyed,
            verdict: .again(isUncertain: true, reason: said(409), after: nil)
        ),
        Case(result: answered(409), effect: .once, verdict: .answered(OutsideAnswer(status: 409))),
        Case(
            result: answered(503),
            effect: .keyed,
            verdict: .again(isUncertain: true, reason: said(503), after: nil)
        ),
        Case(result: answered(503), effect: .once, verdict: .unknown(reason: said(503))),
        Case(result: answered(402), effect: .keyed, verdict: .answered(OutsideAnswer(status: 402))),
    ]

    @Test("a result and an effect give one verdict", arguments: cases)
    func verdict(_ expected: Case) {
        #expect(SendVerdict(expected.result, effect: expected.effect) == expected.verdict)
    }

    @Test("behind an uncertain sending, a refusal at the door or by who may have forgotten it ends nothing")
    func refusedBehindUncertainty() {
        for status in [401, 403, 404, 408, 409, 425] {
            let again = SendVerdict.again(isUncertain: true, reason: Self.said(status), after: nil)
            #expect(SendVerdict(Self.answered(status), effect: .keyed, earlier: .open) == again)
            #expect(SendVerdict(Self.answered(status), effect: .keyed, earlier: .openAndOld) == again)
        }
        let declined = OutsideAnswer(status: 402)
        #expect(SendVerdict(.answered(declined), effect: .keyed, earlier: .open) == .answered(declined))
        guard case .unknown = SendVerdict(.answered(declined), effect: .keyed, earlier: .openAndOld) else {
            Issue.record("whoever has forgotten the key declined another payment")
            return
        }
        let replayed = OutsideAnswer(status: 400, headers: ["idempotent-replayed": "true"])
        #expect(SendVerdict(.answered(replayed), effect: .keyed, earlier: .openAndOld) == .answered(replayed))
    }

    @Test("pauses double up to their bound, and jitter moves them by a fifth at most")
    func backoff() {
        let random = SeededRandomSource(seed: 3)
        for (attempt, seconds) in [(2, 0.5), (3, 1.0), (4, 2.0), (8, 32.0), (9, 60.0), (1_000, 60.0)] {
            let delay = Backoff.standard.delay(before: attempt, random: random)
            #expect(delay >= .seconds(seconds * 0.8))
            #expect(delay <= .seconds(seconds * 1.2))
        }
    }
}
