import Foundation
import HTTPTransport
import Logging
import Synchronization

@testable import StripeSimulator

/// Runs a simulator on a free loopback port for the time of a closure.
func withSimulator(
    _ configure: (inout SimulatorConfiguration) -> Void = { _ in },
    _ body: (String) async throws -> Void
) async throws {
    var configuration = SimulatorConfiguration()
    configuration.port = 0
    configure(&configuration)
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let simulator = StripeSimulator(configuration: configuration, logger: logger)
    let running = Task { try await simulator.run() }
    let base = "http://127.0.0.1:\(await simulator.boundPort())"
    do {
        try await body(base)
    } catch {
        running.cancel()
        throw error
    }
    running.cancel()
    _ = try? await running.value  // cancelled on purpose
}

extension HTTPClient {
    func stripe(
        _ method: String,
        _ url: String,
        _ form: String = "",
        key: String = "sk_test_live"
    ) async throws -> JSONObject {
        let response = try await send(
            HTTPRequest(
                method: method,
                url: url,
                headers: [
                    "Authorization": "Bearer \(key)", "Content-Type": "application/x-www-form-urlencoded",
                ],
                body: Array(form.utf8)
            )
        )
        return try JSONParser.value(of: response.body).object ?? JSONObject()
    }
}
