import Expressions
import Foundation
import Testing

@testable import runnel

/// Custom Code through the built command and the worker that was built beside it.
@Suite(.serialized, .timeLimit(.minutes(2))) struct CodeCommandTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private func runnel(_ words: [String]) throws -> (code: Int32, output: String, errors: String) {
        try ChildProcess.run(BuiltCommand.url, words, environment: ProcessInfo.processInfo.environment)
    }

    private func withFile(_ name: String, _ text: String, _ body: (_ path: String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "runnel code \(getpid()) \(UUID())")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: name)
        try text.write(to: file, atomically: true, encoding: .utf8)
        try body(file.path)
    }

    @Test("a file of code is run with its arguments, its log on standard error, its value on standard output")
    func runs() throws {
        try withFile("prices.js", "console.log('working');\nreturn { total: args.n * 3 };") { path in
            let result = try runnel(["code", "run", path, "--args", #"{"n": 14}"#])
            #expect(result.code == 0, "\(result.errors)")
            #expect(try JSON.parse(result.output) == ["total": 42])
            #expect(result.errors.contains("info: working"))
        }
    }

    @Test("code that throws ends the command with 1 and its place")
    func throwsWithPlace() throws {
        try withFile("prices.js", "const a = {};\nreturn a.b.c;") { path in
            let result = try runnel(["code", "run", path])
            #expect(result.code == 1)
            #expect(result.errors.contains("\(path):2:"), "\(result.errors)")
        }
    }

    @Test("check finds code that does not parse, at its line; the sample's code parses")
    func check() throws {
        #expect(try runnel(["check", Self.root.appending(path: "samples/stripe-code").path]).code == 0)
        let app = FileManager.default.temporaryDirectory.appending(path: "runnel code app \(getpid())")
        defer { try? FileManager.default.removeItem(at: app) }
        try FileManager.default.copyItem(at: Self.root.appending(path: "samples/stripe-code"), to: app)
        try "const a = 1;\nconst b = ;\n".write(
            to: app.appending(path: "code/repeat-safely.js"),
            atomically: true,
            encoding: .utf8
        )
        let broken = try runnel(["check", app.path])
        #expect(broken.code == 3)
        let place = "code/repeat-safely.js:2:1: error[flow.code.syntax]: SyntaxError"
        #expect(broken.output.contains(place) || broken.errors.contains(place), "\(broken.output)\(broken.errors)")
    }

    @Test("doctor tells each wall around code")
    func doctor() throws {
        let result = try runnel(["doctor", Self.root.appending(path: "samples/stripe-code").path])
        for word in [
            "no memory is writable and executable", "the kernel refuses all system calls but a few", "memory is capped",
        ] {
            #expect(result.output.contains("ok   code: \(word)"), "\(result.output)")
        }
    }
}
