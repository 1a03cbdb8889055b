import Expressions
import Foundation
import Testing

@testable import runnel

/// The built command, called as a person calls it.
@Suite(.serialized, .timeLimit(.minutes(2))) struct CommandTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// A folder and an environment of its own, removed at the end.
    private func withFolder(_ body: (_ app: String, _ environment: [String: String]) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "runnel command test \(getpid())")
        defer { try? FileManager.default.removeItem(at: folder) }
        var environment = ProcessInfo.processInfo.environment
        environment["RUNNEL_KEY_FILE"] = folder.appending(path: "key").path
        try body(folder.appending(path: "my shop").path, environment)
    }

    private func runnel(
        _ words: [String],
        _ environment: [String: String],
        input: String = ""
    ) throws -> (code: Int32, output: String, errors: String) {
        try ChildProcess.run(BuiltCommand.url, words, environment: environment, input: input)
    }

    @Test("the sample shop has no findings")
    func sampleIsClean() throws {
        let shop = Self.root.appending(path: "samples/shop").path
        let result = try runnel(["check", shop, "--json"], ProcessInfo.processInfo.environment)
        #expect(result.code == 0, "\(result.output)\(result.errors)")
        #expect(try JSON.parse(result.output) == .list([]))
    }

    @Test("a newcomer's app runs a flow, and shows its run")
    func newcomer() throws {
        try withFolder { app, environment in
            #expect(try runnel(["init", app], environment).code == 0)
            let mug = #"{"name": "Mug", "price": 1299}"#
            let run = try runnel(["run", app, "add-product", "--input", mug], environment)
            #expect(run.code == 0, "\(run.errors)")
            #expect(try JSON.parse(run.output) == ["productId": 1])
            let shown = try runnel(["runs", "show", "1", app], environment)
            #expect(shown.output.contains("insert-record  succeeded"))
            let refused = try runnel(["run", app, "add-product", "--input", "{}"], environment)
            #expect(refused.code != 0)
            #expect(refused.errors.contains("name"))
            try BuiltCommand.expectReplays(of: app, environment: environment)
        }
    }

    @Test("a finding is told with its place and ends the command with 3")
    func findings() throws {
        try withFolder { app, environment in
            _ = try runnel(["init", app], environment)
            let file = URL(filePath: app).appending(path: "flows/checkout.yaml")
            let text = try String(contentsOf: file, encoding: .utf8)
            try text.replacing("table: orders", with: "table: ordres").write(
                to: file,
                atomically: true,
                encoding: .utf8
            )
            let result = try runnel(["check", app], environment)
            #expect(result.code == 3)
            #expect(result.output.contains("checkout.yaml:"))
            #expect(result.output.contains("error["))
            #expect(result.output.contains("'orders'"))
        }
    }

    @Test("payments activate writes what is missing and leaves what was changed")
    func activation() throws {
        try withFolder { app, environment in
            _ = try runnel(["init", app], environment)
            let refunds = URL(filePath: app).appending(path: "flows/refund-callback.yaml")
            try FileManager.default.removeItem(at: refunds)
            let result = try runnel(["payments", "activate", app], environment)
            #expect(result.code == 0, "\(result.errors)")
            #expect(FileManager.default.fileExists(atPath: refunds.path))
            #expect(result.errors.contains("flows/payment-callback.yaml: left as you changed it"))
            #expect(try runnel(["check", app], environment).code == 0)
        }
    }

    @Test("a secret is refused under another mode's name, never shown, and useless under another key")
    func secrets() throws {
        try withFolder { app, environment in
            _ = try runnel(["init", app], environment)
            let live = "sk_live_canary0123456789"
            let wrong = try runnel(["secrets", "set", "stripe.test.secretKey", app], environment, input: live + "\n")
            #expect(wrong.code == 2)
            #expect(!(wrong.output + wrong.errors).contains("canary"))
            let good = ["secrets", "set", "stripe.test.secretKey", app]
            #expect(try runnel(good, environment, input: "sk_test_canary0123456789\n").code == 0)
            #expect(try runnel(["secrets", "list", app], environment).output == "stripe.test.secretKey\n")
            var other = environment
            other["RUNNEL_KEY_FILE"] = (environment["RUNNEL_KEY_FILE"] ?? "") + " of another app"
            let result = try runnel(["runs", "list", app], other)
            #expect(result.code == 2)
            #expect(result.errors.contains("key"))
        }
    }
}
