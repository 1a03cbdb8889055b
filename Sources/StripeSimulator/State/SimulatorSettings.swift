/// What a simulator is started with, and keeps through a reset.
struct SimulatorSettings: Sendable, Equatable {
    var seed: UInt64 = 1
    var accountVersion = APIVersion.dahlia
    var accountID = "acct_1SimRunnelStripe0"
    var retries = WebhookRetrySchedule.loopback
    var clockStart: SimulatorInstant?
    var clockRuns = true
    /// Endpoints there from the start: url, secret, events.
    var endpoints: [(url: String, secret: String, events: [String])] = []
    var baseURL = "http://127.0.0.1:12111"

    static func == (left: Self, right: Self) -> Bool {
        left.seed == right.seed && left.accountVersion == right.accountVersion && left.accountID == right.accountID
            && left.retries == right.retries && left.clockStart == right.clockStart && left.clockRuns == right.clockRuns
            && left.baseURL == right.baseURL
            && left.endpoints.map { [$0.url, $0.secret] + $0.events }
                == right.endpoints.map { [$0.url, $0.secret] + $0.events }
    }
}
