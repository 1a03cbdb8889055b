import Expressions
import FlowEngine
import FlowLanguage
import FlowServer
import Foundation
import Testing

@testable import runnel

/// What `runnel runs` does to runs while no server has the data open.
@Suite(.serialized, .timeLimit(.minutes(2))) struct RunsCommandTests {
    private func withApp(_ body: (_ runnel: ([String]) throws -> (code: Int32, text: String)) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "runnel runs test \(getpid())")
        defer { try? FileManager.default.removeItem(at: folder) }
        var environment = ProcessInfo.processInfo.environment
        environment["RUNNEL_KEY_FILE"] = folder.appending(path: "key").path
        let app = folder.appending(path: "shop").path
        let runnel: ([String]) throws -> (code: Int32, text: String) = { [environment] words in
            let words = words.map { $0 == "APP" ? app : $0 }
            let result = try ChildProcess.run(BuiltCommand.url, words, environment: environment, input: "")
            return (result.code, result.output + result.errors)
        }
        #expect(try runnel(["init", "APP"]).code == 0)
        let mug = #"{"name": "Mug", "price": 1299}"#
        #expect(try runnel(["run", "APP", "add-product", "--input", mug]).code == 0)
        try body(runnel)
        try BuiltCommand.expectReplays(of: app, environment: environment)
    }

    @Test("rerun tells what it would do again, does it with --yes, and the new run names the old one")
    func rerun() throws {
        try withApp { runnel in
            let told = try runnel(["runs", "rerun", "1", "APP"])
            #expect(told.code == 2)
            #expect(told.text.contains("It would do again:"))
            #expect(told.text.contains("insert-record"))
            let list = try runnel(["runs", "list", "APP"])
            #expect(!list.text.contains("run 2"))
            let done = try runnel(["runs", "rerun", "1", "APP", "--yes", "--input", #"{"name": "Cup", "price": 5}"#])
            #expect(done.code == 0, "\(done.text)")
            #expect(done.text.contains("run 2 does run 1 of add-product again"))
            let shown = try runnel(["runs", "show", "2", "APP", "--json"])
            let report = try JSON.parse(shown.text)
            #expect(report["run"]?["rerunOf"] == 1)
            #expect(report["run"]?["status"] == "queued")
            #expect(report["input"]?["name"] == "Cup")
        }
    }

    @Test("without a server --follow is refused before anything is done: nobody would take up the new run")
    func followWithoutServer() throws {
        try withApp { runnel in
            for words in [["rerun", "1", "APP", "--yes", "--follow"], ["retry", "1", "APP", "--follow"]] {
                let refused = try runnel(["runs"] + words)
                #expect(refused.code == 2)
                #expect(refused.text.contains("start `runnel serve` first"), "\(refused.text)")
            }
            #expect(try !runnel(["runs", "list", "APP"]).text.contains("run 2"))
        }
    }

    @Test("a queued run is paused, resumed and cancelled; a final one is left as it is")
    func changes() throws {
        try withApp { runnel in
            _ = try runnel(["runs", "rerun", "1", "APP", "--yes"])
            #expect(try runnel(["runs", "pause", "2", "APP"]).text.contains("paused"))
            #expect(try runnel(["runs", "resume", "2", "APP"]).text.contains("queued"))
            #expect(try runnel(["runs", "cancel", "2", "APP"]).text.contains("cancelled"))
            for refused in ["cancel", "pause", "resume", "retry"] {
                let result = try runnel(["runs", refused, "1", "APP"])
                #expect(result.code == 2)
                #expect(result.text.contains("run 1"), "\(result.text)")
            }
            let missing = try runnel(["runs", "cancel", "99", "APP"])
            #expect(missing.code == 2)
            #expect(missing.text.contains("no such run"))
            #expect(try runnel(["runs", "show", "2", "APP", "--follow"]).code == 1)
            #expect(try runnel(["runs", "settle", "2", "APP"]).code == 64)
        }
    }

    @Test("a mistyped data folder is named and not made, but by the commands with which an app's data begins")
    func mistypedFolder() throws {
        try withApp { runnel in
            let folder = FileManager.default.temporaryDirectory.appending(path: "runnel mistyped \(getpid())").path
            defer { try? FileManager.default.removeItem(atPath: folder) }
            for words in [
                ["runs", "list", "APP"], ["runs", "show", "1", "APP"], ["runs", "cancel", "1", "APP"],
                ["runs", "rerun", "1", "APP"], ["runs", "export", "1", "APP"], ["events", "send", "x", "APP"],
                ["backup", folder + ".copy", "APP"], ["secrets", "list", "APP"], ["token", "list", "APP"],
                ["payments", "status", "APP"],
            ] {
                let refused = try runnel(words + ["--data", folder])
                #expect(refused.code == 2, "\(words): \(refused.text)")
                #expect(refused.text.contains("--data \(folder): there is no data"), "\(words): \(refused.text)")
                #expect(!FileManager.default.fileExists(atPath: folder), "\(words)")
            }
            let made = try runnel(
                ["run", "APP", "add-product", "--input", #"{"name": "Mug", "price": 5}"#, "--data", folder]
            )
            #expect(made.code == 0, "\(made.text)")
            #expect(try runnel(["runs", "list", "APP", "--data", folder]).text.contains("add-product"))
        }
    }

    @Test("what is not over is gone on with by the command that its status asks for", arguments: [true, false])
    func wayOn(isServed: Bool) {
        let start = RunStart(flow: "f", version: FlowVersion("v"), origin: .manual, caller: .system, mode: .test)
        func wayOn(_ status: RunStatus) -> String {
            let record = RunRecord(id: RunID(3), start: start, status: status, createdAt: SystemClock().now())
            return RunSummary(record).wayOn(at: "shop --data d", isServed: isServed)
        }
        let resume = "`runnel runs resume 3 shop --data d`"
        #expect(wayOn(.paused).contains(resume) && wayOn(.quarantined).contains(resume))
        #expect(wayOn(.outcomeUnknown).contains("`runnel runs settle 3 shop --data d`"))
        #expect(wayOn(.waiting).contains(isServed ? "`runnel runs show 3 shop --data d --follow`" : "`runnel serve"))
        for status in [RunStatus.paused, .quarantined, .outcomeUnknown] {
            #expect(status.needsPerson)
            // Without a server nothing goes on by the decision alone.
            #expect(wayOn(status).contains("`runnel serve shop --data d`") == !isServed)
        }
    }
}
