/// A block's failure, as data: journalled, seen by the flow as `error`, and shown to the caller.
package struct BlockFailure: Sendable, Hashable {
    /// What to branch on, such as `not_found` or `card_declined`.
    package var code: String
    /// The kind, such as `flow`, `record`, `expression`, `connection` or `card_error`.
    package var type: String
    /// One sentence without secrets, fit for the flow's author.
    package var message: String
    /// An HTTP status, when the other side gave one or the author chose one.
    package var status: Int?
    package var declineCode: String?
    package var param: String?
    /// A repetition may succeed.
    package var retryable: Bool
    /// Seconds that the service asks to be left alone for; the next attempt comes no sooner.
    package var retryAfter: Int?
    /// The service's own id of the request.
    package var requestID: String?
    /// The path of the block that failed; set by the interpreter.
    package var block: String?

    package init(
        code: String,
        type: String,
        message: String,
        status: Int? = nil,
        declineCode: String? = nil,
        param: String? = nil,
        retryable: Bool = false,
        retryAfter: Int? = nil,
        requestID: String? = nil,
        block: String? = nil
    ) {
        self.code = code
        self.type = type
        self.message = message
        self.status = status
        self.declineCode = declineCode
        self.param = param
        self.retryable = retryable
        self.retryAfter = retryAfter
        self.requestID = requestID
        self.block = block
    }
}
