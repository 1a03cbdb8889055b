import Expressions
import Foundation
import HTTPTransport
import SampleApps

/// A runtime and a Stripe simulator in processes of their own, on free loopback ports and in a temporary folder.
///
/// The demo plays in one, and so do the end-to-end tests, which also kill its runtime.
final class DemoWorld {
    /// Holds the app, the key and the logs.
    let folder: URL
    let executable: URL
    let environment: [String: String]
    let client: DemoClient
    private(set) var runtime: ChildProcess
    private let simulator: ChildProcess
    private let serveOptions: [String]

    private init(
        folder: URL,
        executable: URL,
        environment: [String: String],
        client: DemoClient,
        runtime: consuming ChildProcess,
        simulator: consuming ChildProcess,
        serveOptions: [String]
    ) {
        self.folder = folder
        self.executable = executable
        self.environment = environment
        self.client = client
        self.runtime = runtime
        self.simulator = simulator
        self.serveOptions = serveOptions
    }

    /// Where the app is.
    var app: String { Self.app(in: folder) }

    private static func app(in folder: URL) -> String { folder.appending(path: "shop").path }

    /// Writes the app, starts both processes and lets them know each other.
    ///
    /// The temporary folder gets `name`, which may hold spaces; the runtime gets `runtimeEnvironment`, such as a
    /// failpoint, besides this process's own variables, and `serveOptions` besides its own. `writeApp` is given the
    /// folder of the app, which is the shop unless told otherwise; its customers have the role `customer`.
    static func start(
        executable: URL = ChildProcess.ownExecutable,
        name: String = "runnel demo \(ProcessInfo.processInfo.processIdentifier)",
        runtimeEnvironment: [String: String] = [:],
        serveOptions: [String] = [],
        customer: String = "customer",
        writeApp: (String) throws -> Void = { try AppWriter.write(SampleApp.shop, to: $0) }
    ) async throws -> DemoWorld {
        let folder = FileManager.default.temporaryDirectory.appending(path: name)
        let app = app(in: folder)
        try writeApp(app)
        var environment = ProcessInfo.processInfo.environment
        environment["RUNNEL_KEY_FILE"] = folder.appending(path: "key").path
        environment["RUNNEL_MODE"] = "test"

        let setup = DemoSetup(executable: executable, app: app, environment: environment)
        try setup.secret("stripe.test.secretKey", DemoClient.secretKey)
        try setup.secret("stripe.test.publishableKey", DemoClient.publishableKey)
        let admin = try setup.token(role: "admin", id: "boss@example.com")
        let ann = try setup.token(role: customer, id: "ann@example.com")

        let simulator = try ChildProcess(
            executable,
            ["simulator", "--port", "0", "--json", "--stop-at-end-of-input"],
            environment: environment,
            log: folder.appending(path: "simulator.log")
        )
        let simulatorURL = try setup.address(in: simulator.firstLine(), log: folder.appending(path: "simulator.log"))
        let runtime = try ChildProcess(
            executable,
            serveArguments(app: app, port: "0", simulatorURL: simulatorURL) + serveOptions,
            environment: environment.merging(runtimeEnvironment) { $1 },
            log: folder.appending(path: "runtime.log")
        )
        let runtimeURL = try setup.address(in: runtime.firstLine(), log: folder.appending(path: "runtime.log"))
        let client = DemoClient(
            simulatorURL: simulatorURL,
            runtimeURL: runtimeURL,
            adminToken: admin,
            customerToken: ann
        )
        let endpoint = try await client.stripe(
            "POST",
            "/v1/webhook_endpoints",
            form: "url=\(runtimeURL)/hooks/stripe&enabled_events[]=*",
            key: DemoClient.secretKey
        )
        guard let secret = endpoint["secret"]?.stringValue else {
            throw CommandFailure("the simulator made no web-hook endpoint")
        }
        try setup.secret("stripe.test.webhookSecret", secret)
        return DemoWorld(
            folder: folder,
            executable: executable,
            environment: environment,
            client: client,
            runtime: runtime,
            simulator: simulator,
            serveOptions: serveOptions
        )
    }

    /// Starts the runtime again, on the port it had.
    func restartRuntime(environment extra: [String: String] = [:]) throws {
        let port = client.runtimeURL.split(separator: ":").last.map(String.init) ?? "0"
        runtime = try ChildProcess(
            executable,
            Self.serveArguments(app: app, port: port, simulatorURL: client.simulatorURL) + serveOptions,
            environment: environment.merging(extra) { $1 },
            log: folder.appending(path: "runtime.log")
        )
        guard runtime.firstLine() != nil else { throw CommandFailure("the runtime did not start again: \(log())") }
    }

    /// What the runtime has logged.
    func log() -> String {
        (try? String(contentsOf: folder.appending(path: "runtime.log"), encoding: .utf8)) ?? ""
    }

    /// What `runnel WORDS…` prints.
    func runnel(_ words: [String]) throws -> String {
        let result = try ChildProcess.run(executable, words, environment: environment)
        guard result.code == 0 else {
            throw CommandFailure("runnel \(words.joined(separator: " ")): \(result.errors)")
        }
        return result.output
    }

    /// Stops both processes and removes the folder.
    func stop() async {
        runtime.stop()
        simulator.stop()
        await client.shutdown()
        try? FileManager.default.removeItem(at: folder)
    }

    private static func serveArguments(app: String, port: String, simulatorURL: String) -> [String] {
        ["serve", app, "--port", port, "--stripe-url", simulatorURL, "--json", "--stop-at-end-of-input"]
    }
}

/// The commands that prepare an app before its runtime is started.
private struct DemoSetup {
    let executable: URL
    let app: String
    let environment: [String: String]

    func address(in line: String?, log: URL) throws -> String {
        guard let line, let url = try JSON.parse(line)["url"]?.stringValue else {
            let text = try? String(contentsOf: log, encoding: .utf8)
            throw CommandFailure("\(log.deletingPathExtension().lastPathComponent) did not start: \(text ?? "")")
        }
        return url
    }

    func secret(_ name: String, _ value: String) throws {
        let words = ["secrets", "set", name, app]
        let result = try ChildProcess.run(executable, words, environment: environment, input: value + "\n")
        guard result.code == 0 else { throw CommandFailure("secrets set \(name): \(result.errors)") }
    }

    func token(role: String, id: String) throws -> String {
        let words = ["token", "create", app, "--role", role, "--id", id]
        let result = try ChildProcess.run(executable, words, environment: environment)
        guard result.code == 0 else { throw CommandFailure("token create: \(result.errors)") }
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
