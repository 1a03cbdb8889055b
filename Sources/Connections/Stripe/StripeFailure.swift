import Expressions
package import FlowEngine

/// Turns an answer of Stripe that is not a success into the Connection Error that a flow sees.
package enum StripeFailure {
    /// The failure that the answer stands for; Stripe's own `code`, `type` and words where it gave them.
    ///
    /// `retryable` says that Stripe did not execute the request and may do so later.
    package static func failure(from answer: OutsideAnswer) -> BlockFailure {
        let error = (try? JSON.parse(answer.body))?["error"]  // A body that is no JSON is told by the status alone.
        let type = text(error?["type"]) ?? "api_error"
        let declineCode = text(error?["decline_code"])
        let code = text(error?["code"]) ?? (error == nil ? "stripe_http_\(answer.status)" : type)
        let message = text(error?["message"]).map(redacted) ?? "Stripe answered \(answer.status) without saying why"
        return BlockFailure(
            code: code,
            type: type,
            message: message,
            status: answer.status,
            declineCode: declineCode,
            param: text(error?["param"]),
            retryable: isRetryable(answer),
            requestID: answer.headers["request-id"]
        )
    }

    /// The failure for a 2xx whose body is not the object that was asked for.
    ///
    /// `retryable` is for requests that change nothing, or whose repetition carries the same key: what was asked for may
    /// have been done.
    package static func malformed(
        _ answer: OutsideAnswer,
        expected: String,
        retryable: Bool = true
    ) -> BlockFailure {
        BlockFailure(
            code: "malformed_answer",
            type: "api_error",
            message: "Stripe's answer is not \(expected) as version \(StripeService.version) describes it",
            status: answer.status,
            retryable: retryable,
            requestID: answer.headers["request-id"]
        )
    }

    /// Whether Stripe looked at what was asked for and refused it, so that nobody's request with this key made anything.
    ///
    /// A refusal at the door, such as of a rolled key, says nothing about what an earlier one may have made.
    package static func isFinal(_ answer: OutsideAnswer) -> Bool {
        !(200..<300).contains(answer.status) && !isRetryable(answer) && !answer.saysNothingOfOthers
    }

    private static func isRetryable(_ answer: OutsideAnswer) -> Bool {
        switch answer.headers["stripe-should-retry"] {
        case "true": true
        case "false": false
        default: answer.status == 409 || answer.status == 429 || answer.status >= 500
        }
    }

    /// Bounded: what the other side says is stored and shown.
    private static func text(_ value: Value?) -> String? {
        guard let text = value?.stringValue, !text.isEmpty else { return nil }
        return String(text.prefix(500))
    }

    /// Stripe masks keys in its messages; should one stand there all the same, it goes no further.
    private static func redacted(_ message: String) -> String {
        let prefixes = ["sk_", "rk_", "whsec_"]
        guard prefixes.contains(where: message.contains) else { return message }
        return message.split(separator: " ", omittingEmptySubsequences: false)
            .map { word in prefixes.contains { word.contains($0) } ? "[redacted]" : String(word) }
            .joined(separator: " ")
    }
}
