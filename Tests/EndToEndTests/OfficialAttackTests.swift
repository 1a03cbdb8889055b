import Expressions
import Foundation
import Testing

@testable import runnel

/// The Python that has Stripe's official client, as `RUNNEL_PYTHON` says.
private enum OfficialPython {
    static let url = URL(filePath: ProcessInfo.processInfo.environment["RUNNEL_PYTHON"] ?? "/usr/bin/python3")

    static let hasClient: Bool = {
        let words = ["-c", "import stripe; assert stripe.VERSION.split('.')[0] == '16'"]
        let tried = try? ChildProcess.run(url, words, environment: ProcessInfo.processInfo.environment)
        return tried?.code == 0
    }()
}

/// Stripe's official Python client against the server and its simulator; skipped by name where it is not.
@Suite(
    .serialized,
    .enabled(if: OfficialPython.hasClient, "PyPI's stripe is not installed"),
    .timeLimit(.minutes(5))
)
struct OfficialAttackTests {
    @Test(
        "E9, E10, E12, M10: forged pages, intents, metadata and events, replays and many hands at once change nothing"
    )
    func attack() async throws {
        try await BuiltCommand.withWorld("official attack") { world in
            let client = world.client
            _ = try await client.page("add-product", ["name": "Mug", "price": 1299], token: client.adminToken)
            // An end point whose secret is known here, in place of the world's own.
            let old = try await client.stripe("GET", "/v1/webhook_endpoints")["data"]?.listValue ?? []
            let made = try await client.stripe(
                "POST",
                "/v1/webhook_endpoints",
                form: "url=\(client.runtimeURL)/hooks/stripe&enabled_events[]=*"
            )
            let secret = try #require(made["secret"]?.stringValue)
            for endpoint in old {
                _ = try await client.stripe("DELETE", "/v1/webhook_endpoints/\(endpoint["id"]?.stringValue ?? "")")
            }
            let words = ["secrets", "set", "stripe.test.webhookSecret", world.app]
            let set = try ChildProcess.run(
                world.executable,
                words,
                environment: world.environment,
                input: secret + "\n"
            )
            try #require(set.code == 0, "\(set.errors)")
            let script = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "OfficialClient/attack.py")
            let result = try ChildProcess.run(
                OfficialPython.url,
                [script.path, client.simulatorURL, client.runtimeURL, client.customerToken, client.adminToken, secret],
                environment: world.environment
            )
            #expect(result.code == 0 && result.output == "refused\n", "\(result.output)\(result.errors)")
            let reconciled = try ChildProcess.run(
                world.executable,
                ["payments", "reconcile", world.app],
                environment: world.environment
            )
            #expect(reconciled.code == 0, "\(reconciled.output)\(reconciled.errors)")
        }
    }
}
