import Expressions
import Foundation
import Testing

@testable import runnel

/// What README tells a newcomer to do, word for word, in an empty folder.
@Suite(.serialized, .timeLimit(.minutes(5))) struct NewcomerTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "runnel newcomer \(UUID().uuidString)")
    private var app: String { folder.appending(path: "my-shop").path }

    private func runnel(_ words: String...) throws -> (code: Int32, output: String, errors: String) {
        var environment = ProcessInfo.processInfo.environment
        environment["RUNNEL_KEY_FILE"] = folder.appending(path: "key").path
        return try ChildProcess.run(BuiltCommand.url, words, environment: environment)
    }

    private func edit(_ file: String, _ old: String, _ new: String) throws {
        let url = URL(filePath: app).appending(path: file)
        let text = try String(contentsOf: url, encoding: .utf8)
        try #require(text.contains(old), "\(file)")
        try text.replacing(old, with: new).write(to: url, atomically: true, encoding: .utf8)
    }

    @Test("init, run, export as a test, break the flow, see where, mend it")
    func path() throws {
        defer { try? FileManager.default.removeItem(at: folder) }  // The machine's affair, not the test's.
        #expect(try runnel("init", app).code == 0)
        let fresh = try runnel("test", app, "--require", "95")
        #expect(fresh.code == 0, "\(fresh.output)\(fresh.errors)")
        #expect(fresh.errors.contains("all passed"))

        #expect(try runnel("run", app, "add-product", "--input", #"{"name": "Mug", "price": 1299}"#).code == 0)
        let order = try runnel("run", app, "place-order", "--input", #"{"product": 1, "quantity": 2}"#)
        #expect(order.code == 0, "\(order.errors)")
        let export = try runnel("runs", "export", "2", app, "--as-test")
        #expect(export.code == 0, "\(export.errors)")
        #expect(export.errors.contains("tests/place-order-2.yaml: a case"))
        let again = try runnel("runs", "export", "2", app, "--as-test")
        #expect(again.code == 2, "what may have been edited since is not written over")
        #expect(again.errors.contains("is there already"))
        #expect(try runnel("test", app, "--filter", "run 2 of").code == 0)

        try edit("flows/place-order.yaml", "blocks.product.price * input.quantity", "blocks.product.price")
        let broken = try runnel("test", app, "--filter", "run 2 of")
        #expect(broken.code == 1)
        #expect(broken.output.contains("did not expect this of output.total after step 1"), "\(broken.output)")
        #expect(broken.output.contains("did not expect this of tables.orders[0].total"), "\(broken.output)")
        #expect(broken.output.contains("expected  2598"))
        #expect(broken.output.contains("is        1299"))
        #expect(broken.output.contains("last written by place-order at order, "), "\(broken.output)")
        #expect(broken.output.contains("flows/place-order.yaml:"), "\(broken.output)")

        try edit(
            "flows/place-order.yaml",
            "total: ${ blocks.product.price }",
            "total: ${ blocks.product.price * input.quantity }"
        )
        let mended = try runnel("test", app)
        #expect(mended.code == 0, "\(mended.output)")
        #expect(mended.errors.contains("all passed"))
    }

    @Test("a run is a file that replays anywhere, tells what another flow would do, and lets itself be looked into")
    func capsules() throws {
        defer { try? FileManager.default.removeItem(at: folder) }  // The machine's affair, not the test's.
        _ = try runnel("init", app)
        _ = try runnel("run", app, "add-product", "--input", #"{"name": "Mug", "price": 1299}"#)
        _ = try runnel("run", app, "place-order", "--input", #"{"product": 1, "quantity": 2}"#)
        let file = folder.appending(path: "order.capsule").path
        #expect(try runnel("runs", "export", "2", app, "--output", file).code == 0)
        #expect(try runnel("capsule", "verify", file).output.contains("whole, run 2 of 'place-order'"))
        #expect(try runnel("replay", file).output.contains("the same, 2 entries"))
        #expect(try runnel("replay", file, "--against", app).code == 0)
        let looked = try runnel(
            "replay",
            file,
            "--block",
            "order",
            "--explain",
            "blocks.product.price * input.quantity"
        )
        #expect(looked.output.contains("2598"), "\(looked.output)\(looked.errors)")
        let endless = String(repeating: "(", count: 5_000) + "1" + String(repeating: ")", count: 5_000)
        for hostile in ["blocks.product[", endless, "'a'.matches('(a*)*b')", "[1].map(x, 1 / 0)"] {
            let refused = try runnel("replay", file, "--block", "order", "--explain", hostile)
            #expect((1...3).contains(refused.code) || !refused.output.isEmpty, "\(hostile.prefix(40))")
        }

        try edit("flows/place-order.yaml", "blocks.product.price * input.quantity", "blocks.product.price")
        let differs = try runnel("replay", file, "--against", app)
        #expect(differs.code == 1)
        #expect(differs.output.contains("differs: input of order in 'place-order'"), "\(differs.output)")
        #expect(differs.output.contains("flows/place-order.yaml"), "\(differs.output)")
        #expect(differs.output.contains("- set.total: 2598"), "\(differs.output)")
        #expect(differs.output.contains("+ set.total: 1299"), "\(differs.output)")

        let missing = try runnel("replay", "/nowhere.capsule")
        #expect(missing.code == 2)
        #expect(missing.output.contains("/nowhere.capsule: cannot be compared: there is no such file"))
        #expect(try runnel("replay", "/dev/zero").output.contains("has at most 64 MiB"))
        #expect(try runnel("replay", folder.path).output.contains("this is a folder: name the capsules in it"))
    }
}
