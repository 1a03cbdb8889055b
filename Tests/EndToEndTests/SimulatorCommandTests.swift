import Expressions
import Foundation
import HTTPTransport
import Testing

@testable import runnel

/// `runnel simulator …`: the built command against the built command.
@Suite(.serialized, .timeLimit(.minutes(2))) struct SimulatorCommandTests {
    /// A simulator in a process of its own, and a folder, both gone at the end.
    private func withSimulator(
        _ words: [String] = [],
        _ body: (_ url: String, _ folder: URL) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "runnel simulator test \(getpid())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let simulator = try ChildProcess(
            BuiltCommand.url,
            ["simulator", "--port", "0", "--json", "--stop-at-end-of-input"] + words,
            environment: ProcessInfo.processInfo.environment,
            log: folder.appending(path: "simulator.log")
        )
        let line = simulator.firstLine() ?? ""
        let url = try #require(try JSON.parse(line)["url"]?.stringValue)
        do {
            try await body(url, folder)
        } catch {
            simulator.stop()
            throw error
        }
        simulator.stop()
    }

    private func simulator(_ words: [String]) throws -> (code: Int32, output: String, errors: String) {
        try ChildProcess.run(
            BuiltCommand.url,
            ["simulator"] + words,
            environment: ProcessInfo.processInfo.environment
        )
    }

    /// Runs a command that has to succeed, and reads what it prints as JSON.
    private func json(_ words: [String], _ url: String) throws -> Value {
        let result = try simulator(words + ["--url", url, "--json"])
        try #require(result.code == 0, "\(words): \(result.errors)")
        return try JSON.parse(result.output)
    }

    /// Asks the simulator as a Stripe client does.
    private func stripe(_ url: String, _ path: String) async throws -> (status: Int, body: Value) {
        let client = HTTPClient()
        let answer = try await client.send(
            HTTPRequest(url: url + path, headers: ["Authorization": "Bearer sk_test_desk"], resending: .never)
        )
        await client.shutdown()
        return (answer.status, try JSON.parse(answer.body))
    }

    @Test("a triggered event happens with the parameters that its switches say")
    func trigger() async throws {
        try await withSimulator { url, _ in
            let switches = ["--override", "payment_intent:amount=4321", "--add", "payment_intent:metadata.shop=7"]
            let plain = try simulator(["trigger", "payment_intent.succeeded", "--url", url] + switches)
            #expect(plain.code == 0, "\(plain.errors)")
            let id = try #require(plain.output.split(separator: " ").last?.trimmingCharacters(in: .newlines))
            #expect(plain.output == "payment_intent  \(id)\n")
            let intent = try await stripe(url, "/v1/payment_intents/\(id)").body
            #expect(intent["amount"] == 4321)
            #expect(intent["metadata"] == ["shop": "7"])
            let events = try json(["events"], url)["events"]?.listValue ?? []
            #expect(events.contains { $0["type"] == "payment_intent.succeeded" && $0["object"] == .string(id) })
            let latest = try simulator(["events", "--limit", "1", "--url", url])
            #expect(latest.output.split(separator: "\n").count == 1)
        }
    }

    @Test("what the simulator refuses ends the command with 2 and its words")
    func refused() async throws {
        try await withSimulator { url, _ in
            let unknown = try simulator(["trigger", "payment_intent.exploded", "--url", url])
            #expect(unknown.code == 2)
            #expect(unknown.output.isEmpty)
            #expect(unknown.errors.contains("payment_intent.succeeded"))
            let missing = try simulator(["resend", "evt_0", "--url", url])
            #expect(missing.code == 2)
            #expect(missing.errors.contains("evt_0"))
        }
        let nobody = try simulator(["reset", "--url", "http://127.0.0.1:1"])
        #expect(nobody.code == 2)
        #expect(nobody.errors.contains("no simulator listens"))
    }

    @Test(
        "wrong usage ends with 64, an address of another machine above all",
        arguments: [
            ["reset", "--url", "http://192.0.2.1:12111"], ["reset", "--url", "http://127.example.com:12111"],
            ["reset", "--url", "https://api.stripe.com"], ["reset", "--url", "http://127.0.0.1:1/v1"],
            ["advance"], ["advance", "tomorrow"], ["advance", "5"], ["advance", "1d", "--to", "2030-01-01T00:00:00Z"],
            ["resend", "pi_1"], ["events", "--limit", "-1"], ["--port", "70000"], ["--account-version", "new"],
            ["--endpoint", "http://127.0.0.1:1/hooks"], ["--endpoint", "ftp://127.0.0.1/=whsec_x"],
        ]
    )
    func usage(_ words: [String]) throws {
        #expect(try simulator(words).code == 64)
    }

    @Test("the clock goes as far as it is told, and what is due meanwhile happens")
    func clock() async throws {
        try await withSimulator { url, _ in
            _ = try json(["trigger", "customer.subscription.created"], url)
            let before = try #require(try json(["advance", "0s"], url)["now"]?.intValue)
            let after = try #require(try json(["advance", "31d1h30m"], url)["now"]?.intValue)
            #expect(after - before >= 31 * 86_400 + 5_400 && after - before < 31 * 86_400 + 5_460)
            let invoices = try await stripe(url, "/v1/invoices?status=paid").body["data"]?.listValue
            #expect(invoices?.map { $0["billing_reason"] } == ["subscription_cycle", "subscription_create"])
            let moment = try simulator(["advance", "--to", "2030-01-31T00:00:00Z", "--url", url])
            #expect(moment.output.hasPrefix("2030-01-31T00:00:0"))
            let back = try simulator(["advance", "--to", "2029-01-31T00:00:00Z", "--url", url])
            #expect(back.code == 2)
        }
    }

    @Test("a fault is met as often as its rule says, and cleared ones are not met")
    func faults() async throws {
        try await withSimulator { url, _ in
            let rule = ["faults", "add", "answer", "--status", "503", "--path", "/v1/balance", "--times", "1"]
            _ = try json(rule, url)
            _ = try json(["faults", "add", "duplicate", "--event", "charge."], url)
            let listed = try simulator(["faults", "--url", url])
            #expect(listed.output.contains("answer  status=503"))
            #expect(listed.output.contains("event=charge."))
            #expect(try await stripe(url, "/v1/balance").status == 503)
            #expect(try await stripe(url, "/v1/balance").status == 200)
            _ = try json(rule, url)
            #expect(try json(["faults", "clear"], url) == ["rules": .list([])])
            #expect(try await stripe(url, "/v1/balance").status == 200)
            #expect(try simulator(["faults", "add", "explode", "--url", url]).code == 2)
        }
    }

    @Test("an exported state goes on in another simulator, and a reset one is empty")
    func state() async throws {
        try await withSimulator { url, folder in
            _ = try json(["trigger", "customer.created"], url)
            let customers = try await stripe(url, "/v1/customers").body
            #expect(customers["data"]?.listValue?.count == 1)
            let file = folder.appending(path: "state.json").path
            #expect(try simulator(["export", file, "--url", url]).code == 0)
            _ = try json(["reset"], url)
            #expect(try await stripe(url, "/v1/customers").body["data"] == .list([]))
            #expect(try simulator(["import", file, "--url", url]).code == 0)
            #expect(try await stripe(url, "/v1/customers").body == customers)
            try Data("{}".utf8).write(to: URL(filePath: file))
            #expect(try simulator(["import", file, "--url", url]).code == 2)
            #expect(try await stripe(url, "/v1/customers").body == customers)
        }
    }

    @Test("endpoints, version and retries are what serving was started with; an event is sent again")
    func serving() async throws {
        let endpoints = ["http://127.0.0.1:1/a?b=c=whsec_first", "http://127.0.0.1:1/d=whsec_second"]
        let options = ["--account-version", "2024-06-20", "--retries", "sandbox", "--seed", "9"]
        try await withSimulator(options + endpoints.flatMap { ["--endpoint", $0] }) { url, _ in
            let overview = try await stripe(url, "/_simulator").body
            #expect(overview["api_version"] == "2024-06-20")
            #expect(overview["webhook_retries"] == "sandbox")
            #expect(overview["seed"] == 9)
            _ = try json(["trigger", "customer.created"], url)
            let event = try #require(try json(["events"], url)["events"]?.listValue?.last)
            let urls = Set((event["deliveries"]?.listValue ?? []).compactMap { $0["url"]?.stringValue })
            #expect(urls == ["http://127.0.0.1:1/a?b=c", "http://127.0.0.1:1/d"])
            let id = try #require(event["id"]?.stringValue)
            #expect(try simulator(["resend", id, "--url", url]).output == "\(id)  customer.created\n")
            let again = try #require(try json(["events"], url)["events"]?.listValue?.last)
            #expect(again["deliveries"]?.listValue?.count == 4)
        }
    }
}
