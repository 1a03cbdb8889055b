import Expressions

extension RunAnswer {
    /// What the waiting caller gets for a run that failed.
    ///
    /// A failure that the flow's author wrote says what the author said; of others only the code leaves the house. Data
    /// that a table refuses is the caller's mistake more often than ours. What a service of the author's choice said to
    /// `http-request` was said to the flow: its 401 must not ask the caller for another token.
    package init(failure: BlockFailure) {
        let isUpstream = ["http", "connection"].contains(failure.type) && failure.status != nil
        let told = isUpstream ? 502 : failure.status
        let status = told.flatMap { (400...599).contains($0) ? $0 : nil } ?? Self.status(of: failure)
        let message = failure.type == "flow" ? failure.message : "The flow failed."
        self.init(status: status, body: ["code": .string(failure.code), "message": .string(message)])
    }

    private static func status(of failure: BlockFailure) -> Int {
        guard failure.type == "record" else { return 500 }
        switch failure.code {
        case "not_found": return 404
        case "constraint", "expectation_failed": return 409
        case "invalid_value": return 422
        default: return 500
        }
    }
}
