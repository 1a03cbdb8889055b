import Expressions

extension RunAnswer {
    /// What the waiting caller gets for a run that failed.
    ///
    /// A failure that the flow's author wrote says what the author said; of others only the code leaves the house.
    init(failure: BlockFailure) {
        let status = failure.status.flatMap { (400...599).contains($0) ? $0 : nil } ?? 500
        let message = failure.type == "flow" ? failure.message : "The flow failed."
        self.init(status: status, body: ["code": .string(failure.code), "message": .string(message)])
    }
}
