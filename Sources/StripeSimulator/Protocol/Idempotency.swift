/// The answers kept under idempotency keys, for 24 hours of the simulator's clock.
struct IdempotencyStore: Sendable, Equatable {
    struct Record: Sendable, Equatable {
        let fingerprint: String
        let status: Int
        let body: JSONValue
        let requestID: String
        let shouldRetry: Bool?
        let expires: SimulatorInstant
        /// Until then the first request is still running, for the one that sees it (a slow answer was ordered).
        let completes: SimulatorInstant
    }

    static let lifetimeSeconds: Int64 = 24 * 3_600
    static let maximumKeyLength = 255

    private(set) var records: [String: Record] = [:]
    private var byAge: [(key: String, expires: SimulatorInstant)] = []
    private var oldest = 0

    static func == (left: Self, right: Self) -> Bool { left.records == right.records }

    init() {}

    subscript(key: String) -> Record? { records[key] }

    mutating func keep(_ record: Record, under key: String) {
        records[key] = record
        byAge.append((key, record.expires))
    }

    mutating func forgetExpired(at now: SimulatorInstant) {
        while oldest < byAge.count, byAge[oldest].expires <= now {
            let entry = byAge[oldest]
            if let record = records[entry.key], record.expires <= now { records[entry.key] = nil }
            oldest += 1
        }
        if oldest > 4_096, oldest > byAge.count / 2 {
            byAge.removeFirst(oldest)
            oldest = 0
        }
    }

    /// What a repeated key answers: nil when the request is to run.
    func answer(
        to key: String,
        fingerprint: String,
        at now: SimulatorInstant
    ) throws(StripeError) -> Record? {
        guard let record = records[key] else { return nil }
        guard record.fingerprint == fingerprint else {
            throw StripeError(
                status: 400,
                kind: .idempotency,
                "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                    + "Try using a key other than '\(key)' if you meant to execute a different request."
            )
        }
        guard record.completes <= now else {
            throw StripeError(
                status: 409,
                kind: .idempotency,
                code: "idempotency_key_in_use",
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                    + "submitted twice, and the other request is still going through): \(key). Please try again later."
            )
        }
        return record
    }
}
