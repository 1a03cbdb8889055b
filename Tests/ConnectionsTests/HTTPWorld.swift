import Connections
import Expressions
import FlowEngine
import FlowLanguage
import FlowStores
import Foundation
import HTTPTransport
import Logging
import TestSupport
import Testing

/// An app with one flow that sends HTTP requests: a real engine, store and client; servers are the tests' own.
struct HTTPWorld {
    static let token = "canary-token-0123456789"

    let app: App
    let clock = ManualClock()
    let folder = FileManager.default.temporaryDirectory.path + "/runnel-http-" + UUID().uuidString
    private let catalogue = Catalogue(services: [HTTPFeature.service])

    /// - Parameters:
    ///   - connection: the settings of the connection `stock`, as YAML in one line.
    ///   - block: the keys of the block `http-request`, one a line.
    /// - Throws: when the app does not compile.
    init(connection: String, block: String) throws {
        let declaration = """
            app: sample
            connections:
              stock: { service: http, access: { request: [public] }, \(connection) }

            """
        let lines = block.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        let flow = """
            flow: f
            kind: page
            access: [public]
            input:
              text: { type: string, default: none }
            output:
              status:  ${ blocks.ask.status }
              headers: ${ blocks.ask.headers }
              body:    ${ blocks.ask.body }
            blocks:
              - id: ask
                block: http-request
            \(lines)

            """
        let files = [("app.yaml", declaration), ("flows/f.yaml", flow)].map {
            SourceFile(path: $0.0, bytes: Array($0.1.utf8))
        }
        let compilation = AppCompiler(catalogue: catalogue).compile(files)
        let errors = compilation.diagnostics.filter { $0.severity == .error }
        try #require(errors.isEmpty, "\(errors.map { "\($0.range.start.line): \($0.code) \($0.message)" })")
        app = try #require(compilation.app)
    }

    struct Keys: CredentialSource {
        func secret(named name: String) -> Secret? { name == "stock.test.token" ? Secret(HTTPWorld.token) : nil }
    }

    /// Runs an engine for as long as `body` takes; afterwards nothing on disk may hold the secret.
    func run<R: Sendable>(body: (Engine) async throws -> R) async throws -> R {
        defer { try? FileManager.default.removeItem(atPath: folder) }  // What is left is the machine's affair.
        let result = try await withEngine(body)
        for file in try FileManager.default.contentsOfDirectory(atPath: folder) {
            let bytes = FileManager.default.contents(atPath: folder + "/" + file) ?? Data()
            #expect(bytes.range(of: Data(Self.token.utf8)) == nil, "\(file) holds the secret")
        }
        return result
    }

    private func withEngine<R: Sendable>(_ body: (Engine) async throws -> R) async throws -> R {
        let store = try SQLiteStore(
            folder: folder,
            tables: app.tables,
            configuration: SQLiteStore.Configuration(clock: clock)
        )
        defer { store.close() }
        let client = HTTPClient()
        let engine = Engine(
            app: app,
            store: store,
            transport: ServiceTransport(
                connections: app.connections,
                services: ["http": HTTPService(connections: app.connections, credentials: Keys())],
                sender: { request throws(HTTPError) in try await client.send(request) }
            ),
            clock: clock,
            random: SeededRandomSource(),
            features: [HTTPFeature()],
            mode: .test,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let running = Task { try await engine.run() }
        await engine.waitUntilReady()
        let result: Result<R, any Error>
        do {
            result = .success(try await body(engine))
        } catch {
            result = .failure(error)
        }
        running.cancel()
        try await running.value
        await client.shutdown()
        return try result.get()
    }

    /// Calls the flow once.
    func call(_ input: Value = [:]) async throws -> RunAnswer {
        try await run { engine in try await engine.ask(input) }
    }

    /// Calls the flow, which must fail, and gives the failure of its block.
    func failure(_ input: Value = [:]) async throws -> BlockFailure {
        try await run { engine in
            _ = try await engine.ask(input)
            return try #require(try await engine.run(1)?.failure)
        }
    }
}

extension Engine {
    func ask(_ input: Value = [:]) async throws -> RunAnswer {
        let answer = try await callPage(
            "f",
            input: input,
            caller: .anonymous,
            idempotencyKey: nil,
            timeLimit: .seconds(86_400)
        )
        guard case .answered(let answer, _) = answer else {
            Issue.record("not answered: \(answer)")
            return RunAnswer(status: 202, body: .null)
        }
        return answer
    }

    func run(_ number: Int64) async throws -> RunRecord? {
        try await store.read { (reader) throws(StoreError) in try reader.run(RunID(number)) }
    }
}
