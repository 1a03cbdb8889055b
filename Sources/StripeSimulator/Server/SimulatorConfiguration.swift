/// What a simulator is started with.
package struct SimulatorConfiguration: Sendable {
    /// A web-hook endpoint that is there from the start, in test mode.
    package struct Endpoint: Sendable, Hashable {
        package var url: String
        /// The whole `whsec_…` text.
        package var secret: String
        /// Types of events; `*` is all of them.
        package var events: [String]

        package init(url: String, secret: String, events: [String] = ["*"]) {
            self.url = url
            self.secret = secret
            self.events = events
        }
    }

    /// The address to listen on; loopback by default.
    package var host = "127.0.0.1"
    /// The port; 0 takes a free one.
    package var port = 12111
    /// Ids and outcomes follow from it.
    package var seed: UInt64 = 1
    /// The version of callers that name none, and of events.
    package var accountVersion = "2026-08-26.dahlia"
    /// Keys to show to the user; any key of the right form is accepted.
    package var testSecretKey = "sk_test_runnelSimulator"
    package var testPublishableKey = "pk_test_runnelSimulator"
    package var liveSecretKey = "sk_live_runnelSimulator"
    package var livePublishableKey = "pk_live_runnelSimulator"
    package var endpoints: [Endpoint] = []
    /// When a web hook that was not taken is sent again.
    package var webhookRetries = WebhookRetrySchedule.loopback
    /// The first moment of the clock; nil is the present.
    package var clockStart: SimulatorInstant?
    /// Does the clock go on with real time? If not, it moves by `POST /_simulator/clock/advance` alone.
    package var clockRuns = true

    package init() {}

    /// Whether a text can be an `accountVersion`: a date, alone or with a name after a dot.
    package static func isVersion(_ text: String) -> Bool { APIVersion(text) != nil }

    var settings: SimulatorSettings {
        var settings = SimulatorSettings()
        settings.seed = seed
        settings.accountVersion = APIVersion(accountVersion) ?? .dahlia
        settings.retries = webhookRetries
        settings.clockStart = clockStart
        settings.clockRuns = clockRuns
        settings.endpoints = endpoints.map { ($0.url, $0.secret, $0.events) }
        return settings
    }
}
