import ArgumentParser
import FlowEngine

/// How long a server keeps what is over.
struct RetentionOptions: ParsableArguments {
    /// Beyond it the clock's own range ends somewhere.
    private static let longest = 36_500

    @Option(help: "Days for which a finished run is kept, with its journal and its idempotency key.")
    var keepRuns = 90
    @Option(help: "Days for which an event is known as taken in; 31 at least, since Stripe may send it again.")
    var keepEvents = 35

    func validate() throws {
        guard (1...Self.longest).contains(keepRuns) else {
            throw ValidationError("--keep-runs must be 1 to \(Self.longest) days")
        }
        let shortest = Int(Retention.shortestDeliveries.components.seconds / 86_400)
        guard (shortest...Self.longest).contains(keepEvents) else {
            throw ValidationError("--keep-events must be \(shortest) to \(Self.longest) days")
        }
    }

    var retention: Retention {
        Retention(runs: .seconds(keepRuns * 86_400), deliveries: .seconds(keepEvents * 86_400))
    }
}
