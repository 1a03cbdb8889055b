import Expressions
import Foundation
import HTTPTransport
import SampleApps

/// A runtime and a Stripe simulator in processes of their own, on free loopback ports and in a temporary folder.
struct DemoWorld {
    let folder: URL
    let environment: [String: String]
    let simulatorURL: String
    let runtimeURL: String
    let adminToken: String
    let customerToken: String
    private let simulator: ChildProcess
    private let runtime: ChildProcess
    private let client: HTTPClient

    static let secretKey = "sk_test_demoShop"
    static let publishableKey = "pk_test_demoShop"

    /// Writes the shop, starts both processes and lets them know each other.
    static func start() async throws -> DemoWorld {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "runnel-demo-\(ProcessInfo.processInfo.processIdentifier)")
        let app = folder.appending(path: "shop")
        try AppWriter.write(SampleApp.shop, to: app.path)
        var environment = ProcessInfo.processInfo.environment
        environment["RUNNEL_KEY_FILE"] = folder.appending(path: "key").path
        environment["RUNNEL_MODE"] = "test"

        let simulator = try ChildProcess(
            ["simulator", "--port", "0", "--json", "--stop-at-end-of-input"],
            environment: environment,
            log: folder.appending(path: "simulator.log")
        )
        let simulatorURL = try address(in: simulator.firstLine(), of: "simulator", log: folder)
        try setSecret("stripe.test.secretKey", secretKey, app: app.path, environment: environment)
        try setSecret("stripe.test.publishableKey", publishableKey, app: app.path, environment: environment)
        let admin = try token(role: "admin", id: "boss@example.com", app: app.path, environment: environment)
        let customer = try token(role: "customer", id: "ann@example.com", app: app.path, environment: environment)

        let runtime = try ChildProcess(
            ["serve", app.path, "--port", "0", "--stripe-url", simulatorURL, "--json", "--stop-at-end-of-input"],
            environment: environment,
            log: folder.appending(path: "runtime.log")
        )
        let runtimeURL = try address(in: runtime.firstLine(), of: "runtime", log: folder)
        let world = DemoWorld(
            folder: folder,
            environment: environment,
            simulatorURL: simulatorURL,
            runtimeURL: runtimeURL,
            adminToken: admin,
            customerToken: customer,
            simulator: simulator,
            runtime: runtime,
            client: HTTPClient()
        )
        let endpoint = try await world.stripe(
            "POST",
            "/v1/webhook_endpoints",
            form: "url=\(runtimeURL)/hooks/stripe&enabled_events[]=*",
            key: secretKey
        )
        guard let secret = endpoint["secret"]?.stringValue else {
            throw CommandFailure("the simulator made no web-hook endpoint")
        }
        try setSecret("stripe.test.webhookSecret", secret, app: app.path, environment: environment)
        return world
    }

    var app: String { folder.appending(path: "shop").path }

    func stop() async {
        runtime.stop()
        simulator.stop()
        await client.shutdown()
        try? FileManager.default.removeItem(at: folder)
    }

    // MARK: Calls over HTTP

    /// Calls a page flow.
    /// - Returns: the status and the answer's body.
    func page(_ flow: String, _ input: Value, token: String) async throws -> (status: Int, body: Value) {
        let response = try await client.send(
            HTTPRequest(
                method: "POST",
                url: "\(runtimeURL)/pages/\(flow)",
                headers: HTTPHeaders([("authorization", "Bearer \(token)"), ("content-type", "application/json")]),
                body: try JSON.encode(input)
            )
        )
        return (response.status, response.body.isEmpty ? .null : try JSON.parse(response.body))
    }

    /// Reads a row of a table from the runtime.
    func row(_ table: String, _ id: Int64) async throws -> Value {
        let response = try await client.send(
            HTTPRequest(
                method: "GET",
                url: "\(runtimeURL)/tables/\(table)/\(id)",
                headers: HTTPHeaders([("authorization", "Bearer \(adminToken)")])
            )
        )
        guard response.status == 200 else { throw CommandFailure("GET /tables/\(table)/\(id): \(response.status)") }
        return try JSON.parse(response.body)
    }

    /// Asks the simulator as Stripe's clients do.
    func stripe(_ method: String, _ path: String, form: String = "", key: String) async throws -> Value {
        var headers = [("authorization", "Bearer \(key)")]
        if method == "POST" { headers.append(("content-type", "application/x-www-form-urlencoded")) }
        let response = try await client.send(
            HTTPRequest(
                method: method,
                url: simulatorURL + path,
                headers: HTTPHeaders(headers),
                body: Array(form.utf8)
            )
        )
        return try JSON.parse(response.body)
    }

    /// What `runnel WORDS…` prints.
    func runnel(_ words: [String]) throws -> String {
        let result = try ChildProcess.run(words, environment: environment)
        guard result.code == 0 else {
            throw CommandFailure("runnel \(words.joined(separator: " ")): \(result.errors)")
        }
        return result.output
    }

    // MARK: Setting up

    private static func address(in line: String?, of name: String, log folder: URL) throws -> String {
        guard let line, let url = try JSON.parse(line)["url"]?.stringValue else {
            let log = try? String(contentsOf: folder.appending(path: "\(name).log"), encoding: .utf8)
            throw CommandFailure("the \(name) did not start: \(log ?? "")")
        }
        return url
    }

    private static func setSecret(
        _ name: String,
        _ value: String,
        app: String,
        environment: [String: String]
    ) throws {
        let result = try ChildProcess.run(["secrets", "set", name, app], environment: environment, input: value + "\n")
        guard result.code == 0 else { throw CommandFailure("secrets set \(name): \(result.errors)") }
    }

    private static func token(
        role: String,
        id: String,
        app: String,
        environment: [String: String]
    ) throws -> String {
        let words = ["token", "create", app, "--role", role, "--id", id]
        let result = try ChildProcess.run(words, environment: environment)
        guard result.code == 0 else { throw CommandFailure("token create: \(result.errors)") }
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
