import FlowEngine

/// Why a command does not do what it was asked, before anything was sent: becomes the block's failure.
struct Refusal: Error, Hashable {
    let failure: BlockFailure

    init(code: String, message: String, param: String? = nil, status: Int = 400, retryable: Bool = false) {
        failure = BlockFailure(
            code: code,
            type: "payments",
            message: message,
            status: status,
            param: param,
            retryable: retryable
        )
    }
}
