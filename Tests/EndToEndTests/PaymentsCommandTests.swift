import Expressions
import Foundation
import Testing

@testable import runnel

/// `runnel payments …` and `runnel secrets rotate`, called as a person calls them.
@Suite(.serialized, .timeLimit(.minutes(5))) struct PaymentsCommandTests {
    private func withFolder(_ body: (_ app: URL, _ run: ([String]) throws -> Result) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "runnel payments test \(getpid())")
        defer { try? FileManager.default.removeItem(at: folder) }
        var environment = ProcessInfo.processInfo.environment
        environment["RUNNEL_KEY_FILE"] = folder.appending(path: "key").path
        let app = folder.appending(path: "shop")
        let run = { (words: [String]) throws -> Result in
            let input = words.contains("set") ? "sk_test_canaryOfRotation\n" : ""
            let result = try ChildProcess.run(BuiltCommand.url, words, environment: environment, input: input)
            return Result(code: result.code, output: result.output, errors: result.errors)
        }
        #expect(try run(["init", app.path]).code == 0)
        // The shop's invariants speak of payments, which are switched off here.
        let file = app.appending(path: "app.yaml")
        var lines = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
        if let start = lines.firstIndex(where: { $0.hasPrefix("invariants:") }) {
            let end = lines[(start + 1)...].firstIndex { !$0.hasPrefix(" ") } ?? lines.endIndex
            lines.removeSubrange(start..<end)
        }
        try lines.joined(separator: "\n").write(to: file, atomically: true, encoding: .utf8)
        // So do its cases.
        try FileManager.default.removeItem(at: app.appending(path: "tests"))
        try body(app, run)
    }

    struct Result {
        var code: Int32
        var output: String
        var errors: String
    }

    private func text(_ app: URL, _ path: String) -> String? {
        try? String(contentsOf: app.appending(path: path), encoding: .utf8)
    }

    @Test("deactivate takes payments out and activate brings them back as they were, block for block")
    func onAndOff() throws {
        try withFolder { app, run in
            // What the shop's own pages do with payments stands in the way, and nothing is touched.
            let refused = try run(["payments", "deactivate", app.path])
            #expect(refused.code == 2 && refused.errors.contains("confirm.yaml"))
            for page in ["buy", "checkout", "confirm", "refund-order"] {
                try FileManager.default.removeItem(at: app.appending(path: "flows/\(page).yaml"))
            }
            let section = try #require(text(app, "app.yaml"))
            let callback = try #require(text(app, "flows/payment-callback.yaml"))
            #expect(try run(["payments", "deactivate", app.path]).code == 0)
            #expect(text(app, "app.yaml")?.contains("payments:") == false)
            #expect(text(app, "flows/payment-callback.yaml") == nil)
            #expect(try run(["check", app.path]).code == 0)
            #expect(try run(["payments", "status", app.path]).code == 2)
            #expect(try run(["payments", "activate", app.path]).code == 0)
            #expect(text(app, "flows/payment-callback.yaml") == callback)
            #expect(text(app, "app.yaml")?.split(separator: "\n") == section.split(separator: "\n"))
            let status = try run(["payments", "status", app.path, "--json"])
            #expect(try JSON.parse(status.output)["orderTable"] == "orders")
        }
    }

    @Test("activate writes payments: where it is told to, and keeps the texts that the flows began with")
    func activate() throws {
        try withFolder { app, run in
            let written = try #require(text(app, "app.yaml"))
            let bare = written.components(separatedBy: "\npayments:")[0] + "\n"
            try bare.write(to: app.appending(path: "app.yaml"), atomically: true, encoding: .utf8)
            for flow in ["buy", "checkout", "confirm", "refund-order", "payment-callback", "refund-callback"] {
                try FileManager.default.removeItem(at: app.appending(path: "flows/\(flow).yaml"))
            }
            #expect(try run(["payments", "activate", app.path]).code == 2)
            let words = ["payments", "activate", app.path, "--connection", "stripe", "--order-table", "orders"]
            let activated = try run(words)
            #expect(activated.code == 0)
            #expect(!activated.errors.contains("no flow has the trigger"), "it is about to write that flow")
            #expect(text(app, ".templates/flows/payment-callback.yaml") == text(app, "flows/payment-callback.yaml"))
            #expect(try run(["check", app.path]).code == 0)
        }
    }

    @Test("rotate seals all secrets under a new key, and an interrupted one is finished by the next command")
    func rotate() throws {
        try withFolder { app, run in
            let wrong = try run(["secrets", "rotate", app.path])
            #expect(wrong.code == 2)
            #expect(wrong.errors.contains("no secret is sealed in"))
            #expect(try run(["secrets", "set", "stripe.test.secretKey", app.path]).code == 0)
            let key = app.deletingLastPathComponent().appending(path: "key")
            let before = try Data(contentsOf: key)
            #expect(try run(["secrets", "rotate", app.path]).code == 0)
            let after = try Data(contentsOf: key)
            #expect(before != after)
            #expect(!FileManager.default.fileExists(atPath: key.path + ".next"))
            #expect(try run(["secrets", "list", app.path]).output == "stripe.test.secretKey\n")
            for command in [["secrets", "rotate"], ["runs", "list"]] {
                // As if the power had failed between the sealing and the last rename: both keys are there.
                try FileManager.default.moveItem(atPath: key.path, toPath: key.path + ".next")
                try before.write(to: key)
                try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: key.path)
                #expect(try run(command + [app.path]).code == 0)
                #expect(try Data(contentsOf: key) == after)
                #expect(!FileManager.default.fileExists(atPath: key.path + ".next"))
                #expect(try run(["secrets", "list", app.path]).code == 0)
            }
        }
    }

    @Test(
        "where secrets are sealed, no command makes a key in place of one that is missing",
        arguments: [["doctor"], ["runs", "list"], ["secrets", "list"], ["serve", "--port", "0"]]
    )
    func missingKey(command: [String]) throws {
        try withFolder { app, run in
            #expect(try run(["secrets", "set", "stripe.test.secretKey", app.path]).code == 0)
            let key = app.deletingLastPathComponent().appending(path: "key")
            try FileManager.default.removeItem(at: key)
            let refused = try run(command + [app.path])
            #expect(refused.code == 2)
            #expect((refused.output + refused.errors).contains("no key file"))
            #expect(!FileManager.default.fileExists(atPath: key.path))
        }
    }

    @Test("reconcile asks a running server to find the events that were lost; their flow runs once")
    func reconcile() async throws {
        try await BuiltCommand.withWorld("reconcile") { world in
            let client = world.client
            _ = try await client.page("add-product", ["name": "Mug", "price": 1299], token: client.adminToken)
            _ = try await client.page("place-order", ["product": 1], token: client.customerToken)
            let checkout = try await client.page("checkout", ["orderId": 1], token: client.customerToken)
            _ = try await client.stripe("POST", "/_simulator/faults", form: "action=drop")
            _ = try await client.pay(checkout.body, card: "pm_card_visa")
            #expect(try await client.row("orders", 1)["status"] == "NEW")
            let words = ["payments", "reconcile", world.app]
            let found = try ChildProcess.run(world.executable, words, environment: world.environment)
            #expect(found.code == 1, "\(found.errors)")
            #expect(found.output.contains("missed: payment_intent.succeeded"))
            let status = try await client.settled(on: "PAID") {
                try await client.row("orders", 1)["status"]?.stringValue
            }
            #expect(status == "PAID", "\(world.log())")
            let again = try ChildProcess.run(world.executable, words, environment: world.environment)
            #expect(again.code == 0, "\(again.output)\(again.errors)")
            // Without a server the command does it itself.
            world.runtime.stop()
            let alone = try ChildProcess.run(
                world.executable,
                words + ["--stripe-url", client.simulatorURL],
                environment: world.environment
            )
            #expect(alone.code == 0, "\(alone.output)\(alone.errors)")
        }
    }

    @Test("JSON Web Tokens under a key set name their callers, beside the server's own tokens")
    func webTokens() async throws {
        try await BuiltCommand.withWorld("web tokens") { world in
            world.runtime.stop()
            let file = world.folder.appending(path: "keys.json")
            let words = ["serve", world.app, "--jwks", file.path, "--port", "0"]
            try #"{"keys": [{"kty": "oct", "k": "c2hvcnQ"}]}"#.write(to: file, atomically: true, encoding: .utf8)
            let bare = try ChildProcess.run(world.executable, words, environment: world.environment)
            #expect(bare.code == 2 && bare.errors.contains("--jwt-issuer"))
            let weak = try ChildProcess.run(
                world.executable,
                words + ["--jwt-issuer", "me", "--jwt-audience", "shop"],
                environment: world.environment
            )
            #expect(weak.code == 2 && weak.errors.contains("at least 32 bytes"))
        }
    }
}
