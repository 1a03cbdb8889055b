import Expressions
import Foundation
import Testing

@testable import runnel

/// `runnel test`, `replay`, `capsule` and `graph` as somebody types them: what they print, write and exit with.
@Suite(.serialized, .timeLimit(.minutes(5))) struct TestCommandTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "runnel tests \(UUID().uuidString)")
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

    private func file(_ name: String) -> String { folder.appending(path: name).path }

    @Test("a changed flow is told in JSON and in JUnit's XML, and its cases can be brought up to date")
    func reports() throws {
        defer { try? FileManager.default.removeItem(at: folder) }  // The machine's affair, not the test's.
        _ = try runnel("init", app)
        try edit(
            "flows/place-order.yaml",
            "blocks.product.price * input.quantity",
            "blocks.product.price * input.quantity + 1"
        )
        let report = try runnel("test", app, "--filter", "costs what", "--json", "--junit", file("a.xml"))
        #expect(report.code == 1)
        let json = try JSON.parse(report.output)
        #expect(json["failed"] == 1)
        #expect(json["results"]?.listValue?.first?["problems"]?.listValue?.first?["subject"] == "output.total")
        let xml = try String(contentsOfFile: file("a.xml"), encoding: .utf8)
        #expect(xml.contains("<testsuites tests=\"1\" failures=\"1\""))
        #expect(xml.contains("expected 2598, is 2599"))

        let update = try runnel("test", app, "--filter", "costs what", "--update")
        #expect(update.code == 0)
        #expect(update.errors.contains("2 values updated in \(app)/tests/orders.yaml"), "\(update.errors)")
        #expect(try runnel("test", app, "--filter", "costs what").code == 0)
    }

    @Test("what a capsule holds cannot steer the terminal that shows it; the program's own colours can")
    func terminal() {
        #expect(TerminalText.safe("a\tb\nü ☕") == "a\tb\nü ☕")
        #expect(TerminalText.safe("a\u{1B}]0;x\u{7}\r\u{9B}2J\u{202E}b") == #"a\u{1B}]0;x\u{7}\u{D}\u{9B}2J\u{202E}b"#)
        #expect(TerminalText.safe("\u{1B}[31m✗\u{1B}[0m \u{1B}[2J") == "\u{1B}[31m✗\u{1B}[0m \\u{1B}[2J")
    }

    @Test("files that cannot be written and options that do not go together are told in a sentence")
    func refusals() throws {
        defer { try? FileManager.default.removeItem(at: folder) }  // The machine's affair, not the test's.
        _ = try runnel("init", app)
        let junit = try runnel("test", app, "--filter", "boss", "--junit", "/nowhere/a.xml")
        #expect(junit.code == 2)
        #expect(junit.errors.contains("/nowhere/a.xml cannot be written: there is no folder /nowhere"))
        let graph = try runnel("graph", app, "buy", "--output", folder.path)
        #expect(graph.code == 2)
        #expect(graph.errors.contains("cannot be written: it is a folder"))
        #expect(try runnel("graph", app, "--format", "mermaid").errors.contains("a mermaid drawing holds one flow"))
        #expect(try runnel("test", app, "--require", "101").code == 64)
        #expect(try runnel("test", app, "--watch", "--json").code == 64)
        #expect(try runnel("torture", app, "--budget", "soon").code == 64)
        #expect(try runnel("replay", "a.capsule", "--block", "order", "--visit", "0").code == 64)
    }

    @Test("of many capsules each is told, whole, damaged or not there, and the worst decides the exit code")
    func verify() throws {
        defer { try? FileManager.default.removeItem(at: folder) }  // The machine's affair, not the test's.
        _ = try runnel("init", app)
        _ = try runnel("run", app, "add-product", "--input", #"{"name": "Mug", "price": 1299}"#)
        #expect(try runnel("runs", "export", "1", app, "--output", file("a.capsule")).code == 0)
        let text = try String(contentsOfFile: file("a.capsule"), encoding: .utf8)
        try text.replacing("1299", with: "1298").write(toFile: file("b.capsule"), atomically: true, encoding: .utf8)
        let damaged = try runnel("capsule", "verify", file("b.capsule"), file("a.capsule"))
        #expect(damaged.code == 1)
        #expect(damaged.output.contains("its sum does not fit"))
        #expect(damaged.output.contains("a.capsule: whole, run 1 of 'add-product'"))
        let missing = try runnel("capsule", "verify", file("c.capsule"), file("b.capsule"), file("a.capsule"))
        #expect(missing.code == 2)
        #expect(missing.output.split(separator: "\n").count == 3)
        #expect(try runnel("replay", file("a.capsule")).output.contains("the same, 1 entry"))
        let wide = try runnel("replay", file("a.capsule"), file("b.capsule"))
        #expect(wide.code == 2)
        #expect(wide.output.contains("b.capsule:12: cannot be compared: "), "\(wide.output)")
    }

    @Test("what is watched is played again where a change touches it, findings are told, and nothing else is played")
    func watch() throws {
        defer { try? FileManager.default.removeItem(at: folder) }  // The machine's affair, not the test's.
        _ = try runnel("init", app)
        let child = try ChildProcess(
            URL(filePath: "/bin/sh"),
            ["-c", #"exec "$0" test "$1" --watch 2>&1"#, BuiltCommand.url.path, app],
            environment: ProcessInfo.processInfo.environment,
            log: folder.appending(path: "log")
        )
        func next(_ words: String) {
            while let line = child.firstLine() { if line.contains(words) { return } }
            Issue.record("it ended without '\(words)'")
        }
        next("18 cases, all passed")
        try edit("flows/add-product.yaml", "title: Put", "title: Place")
        next("1 case, all passed")
        try edit("flows/add-product.yaml", "price: ${ input.price }", "price: ${ input.prize }")
        next("error[")
        try edit("flows/add-product.yaml", "price: ${ input.prize }", "price: ${ input.price }")
        next("1 case, all passed")
        child.killAtOnce()
    }
}
