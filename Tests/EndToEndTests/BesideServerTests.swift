import Expressions
import FlowServer
import Foundation
import Testing

@testable import runnel

/// What an operator's commands do while a server has the data open.
@Suite(.serialized, .timeLimit(.minutes(2))) struct BesideServerTests {
    private static let files = [
        "flows/nightly.yaml": """
        flow: nightly
        kind: cloud
        trigger: { manual: true }
        input: { name: { type: string }, price: { type: int } }
        output: { id: '${ blocks.row.id }' }
        blocks:
          - { id: row, block: insert-record, table: products, set: { name: '${ input.name }', price: '${ input.price }' } }

        """,
        "flows/hooked.yaml": """
        flow: hooked
        kind: cloud
        trigger: { webhook: { method: POST, auth: none, answer: at-once } }
        blocks:
          - { block: log, message: hello }

        """,
    ]

    @Test("run runs a flow at the server: pages and those with 'manual', with its answer and exit code")
    func run() async throws {
        try await BuiltCommand.withWorld("beside", files: Self.files) { world in
            let run: ([String]) throws -> (code: Int32, output: String, errors: String) = { words in
                let result = try ChildProcess.run(
                    world.executable,
                    ["run", world.app] + words,
                    environment: world.environment
                )
                return (result.code, result.output, result.errors)
            }
            let mug = #"{"name": "Mug", "price": 1299}"#
            let nightly = try run(["nightly", "--input", mug, "--as", "ann"])
            #expect(nightly.code == 0, "\(nightly.errors)")
            #expect(nightly.errors.contains("nightly  succeeded") && nightly.errors.contains("ann"))
            let page = try run(["add-product", "--input", mug, "--quiet"])
            #expect(page.code == 0 && page.errors.isEmpty, "\(page.errors)")
            #expect(try JSON.parse(page.output)["productId"] == 2, "\(page.output)")
            let failed = try run(["nightly", "--input", #"{"name": "Mug", "price": 0}"#])
            #expect(failed.code == 1, "\(failed.errors)")
            let misfit = try run(["nightly", "--input", #"{"price": 1}"#])
            #expect(misfit.code == 2 && misfit.errors.contains("name"), "\(misfit.errors)")
            let hooked = try run(["hooked"])
            #expect(hooked.code == 2 && hooked.errors.contains("behind its trigger"), "\(hooked.errors)")
            #expect(try run(["nowhere"]).code == 2)
            #expect(try run(["nightly", "--input", mug, "--stripe-url", "http://127.0.0.1:1"]).code == 2)
            let live = try run(["nightly", "--input", mug, "--mode", "live"])
            #expect(live.code == 2)
            #expect(live.errors.contains("runs in test mode, and live is asked for"), "\(live.errors)")
            #expect(try run(["nightly", "--input", mug, "--mode", "test"]).code == 0)
        }
    }

    @Test("retry --follow waits for the new run's end, and its exit code is the run's")
    func retry() async throws {
        let gated = """
            flow: gated
            kind: cloud
            trigger: { manual: true }
            blocks:
              - { id: open, block: find-record, table: products, where: { name: Gate } }

            """
        let files = Self.files.merging(["flows/gated.yaml": gated]) { first, _ in first }
        try await BuiltCommand.withWorld("retry", files: files) { world in
            func runnel(_ words: [String]) throws -> (code: Int32, output: String, errors: String) {
                let result = try ChildProcess.run(world.executable, words, environment: world.environment)
                return (result.code, result.output, result.errors)
            }
            let failed = try runnel(["run", world.app, "gated"])
            #expect(failed.code == 1, "\(failed.errors)")
            let id = try #require(failed.errors.split(separator: " ").lazy.compactMap { Int64($0) }.first)
            let again = try runnel(["runs", "retry", "\(id)", world.app, "--follow"])
            #expect(again.code == 1, "\(again.errors)")
            #expect(try runnel(["run", world.app, "nightly", "--input", #"{"name": "Gate", "price": 1}"#]).code == 0)
            let done = try runnel(["runs", "retry", "\(id)", world.app, "--yes", "--follow"])
            #expect(done.code == 0, "\(done.errors)")
            #expect((done.output + done.errors).contains("again"), "\(done.output)")
        }
    }

    @Test("an event's payload and the data folder are two options")
    func payload() async throws {
        let waits = """
            flow: waits
            kind: cloud
            trigger: { manual: true }
            blocks:
              - { id: came, block: wait, event: rung, timeout: 1h }

            """
        let shop = BuiltCommand.samples.appending(path: "shop/app.yaml")
        let app = try String(contentsOf: shop, encoding: .utf8) + "\nevents:\n  rung: {}\n"
        let files = ["flows/waits.yaml": waits, "app.yaml": app]
        try await BuiltCommand.withWorld("payload", files: files) { world in
            let server = AdminClient(socket: AdminSocket.path(forDataFolder: world.app + "/.runnel"))
            let run = try await server.start("waits", input: [:])
            let words = ["events", "send", "rung", world.app, "--payload", #"{"word": "ding"}"#]
            let sent = try ChildProcess.run(
                world.executable,
                words + ["--data", world.app + "/.runnel"],
                environment: world.environment
            )
            #expect(sent.code == 0, "\(sent.errors)")
            let report = try await server.report(of: run, waiting: .seconds(20))
            #expect(report.steps.last?.entry?.output["data"]?["word"] == "ding", "\(report.tree)")
        }
    }

    @Test("an event without a server, and a second server on the port, are told what to do")
    func words() async throws {
        let events = "\nevents:\n  rung: {}\n"
        let shop = BuiltCommand.samples.appending(path: "shop/app.yaml")
        let files = ["app.yaml": try String(contentsOf: shop, encoding: .utf8) + events]
        try await BuiltCommand.withWorld("words", files: files) { world in
            let elsewhere = ["--data", world.app + "/elsewhere"]
            let run: ([String]) throws -> String = { words in
                let result = try ChildProcess.run(world.executable, words + elsewhere, environment: world.environment)
                #expect(result.code == 2)
                return result.errors
            }
            let sent = try run(["events", "send", "rung", world.app])
            #expect(sent.contains("runnel serve"), "\(sent)")
            #expect(!FileManager.default.fileExists(atPath: world.app + "/elsewhere"))
            let port = try #require(world.client.runtimeURL.split(separator: ":").last)
            let second = try run(["serve", world.app, "--port", String(port)])
            #expect(second.contains("taken by another process"), "\(second)")
            #expect(second.split(separator: "\n").count == 1, "\(second)")
        }
    }

    @Test(
        "how long runs are kept is bounded on both sides",
        arguments: [["--keep-runs", "0"], ["--keep-events", "30"]]
    )
    func retention(words: [String]) throws {
        let environment = ProcessInfo.processInfo.environment
        let result = try ChildProcess.run(BuiltCommand.url, ["serve", "nowhere"] + words, environment: environment)
        #expect(result.code == 64, "\(result.errors)")
        #expect(result.errors.contains(words[0]))
    }
}
