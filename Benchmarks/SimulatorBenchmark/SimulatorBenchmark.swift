import Foundation
import Logging
import StripeSimulator

/// Prints how many create+confirm pairs a second the simulator answers over HTTP, beside `localstripe` in the same run,
/// and how long a year of a monthly subscription takes.
///
/// Client and server share the machine. The first argument is the number of seconds for each.
@main
struct SimulatorBenchmark {
    static let wantedPairs = 3_000.0
    static let wantedYear = 2.0
    static let connections = 8

    static func main() async throws {
        let seconds = CommandLine.arguments.dropFirst().first.flatMap(Double.init) ?? 10
        var configuration = SimulatorConfiguration()
        configuration.port = 0
        var logger = Logger(label: "benchmark")
        logger.logLevel = .critical
        let simulator = StripeSimulator(configuration: configuration, logger: logger)
        let running = Task { try await simulator.run() }
        let port = await simulator.boundPort()

        let year = try year(port)
        report(
            String(format: "a year of a monthly subscription: %.3f s (wanted: %.0f s)", year.seconds, wantedYear)
                + ", \(year.renewals) renewals, \(year.events) events"
        )
        let load = PairLoad(port: port, connections: connections)
        _ = try await load.run(seconds: seconds / 10, label: "warm-up")
        let own = try await load.run(seconds: seconds, label: "measured")
        report(own.line("simulator, \(connections) connections") + String(format: "; wanted: %.0f", wantedPairs))
        running.cancel()
        _ = try? await running.value  // cancelled on purpose

        guard let peer = try Localstripe.start() else {
            report("localstripe is not here: pip install localstripe, and name its Python in RUNNEL_PYTHON")
            return
        }
        defer { peer.stop() }
        let other = try await PairLoad(port: peer.port, connections: connections).run(seconds: seconds, label: "peer")
        report(other.line("localstripe, \(connections) connections"))
        report(String(format: "ratio: %.1f", own.perSecond / other.perSecond))
    }

    /// Written at once, also into a pipe.
    private static func report(_ line: String) {
        FileHandle.standardOutput.write(Data("\(line)\n".utf8))
    }

    /// Subscribes a customer and advances the clock by a year and two hours: the last invoice is paid an hour after it
    /// was made.
    private static func year(_ port: Int) throws -> (seconds: Double, renewals: Int, events: Int) {
        var connection = try HTTPConnection(port: port)
        let scenario = "/_simulator/trigger"
        _ = try connection.send("POST", scenario, "event=customer.subscription.created")
        let begin = DispatchTime.now().uptimeNanoseconds
        _ = try connection.send("POST", "/_simulator/clock/advance", "seconds=\(365 * 86_400 + 7_200)")
        let elapsed = Double(DispatchTime.now().uptimeNanoseconds - begin) / 1e9
        let invoices = try connection.send("GET", "/v1/invoices?status=paid&limit=100")
        let log = try connection.send("GET", "/_simulator/events")
        return (elapsed, invoices.count(of: #""billing_reason": "subscription_cycle""#), log.count(of: #""id": "evt_"#))
    }
}

extension [UInt8] {
    fileprivate func count(of text: String) -> Int {
        String(decoding: self, as: UTF8.self).components(separatedBy: text).count - 1
    }
}
