import ArgumentParser
import Capsules
import FlowEngine
import FlowServer
import Foundation

/// `runnel runs export`: one run as a file.
struct ExportRun: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "One run as a capsule: a text file that `runnel replay` runs again on any machine.",
        discussion: "Holds the flow, what came in, what went out and the rows it met; no secret."
    )
    @Argument(help: "The run's id.") var run: Int64
    @Argument(help: "The app's folder.") var app: String = "."
    @Option(help: "The file; default: FLOW-RUN.capsule in this folder; - is standard output.") var output: String?
    @Flag(help: "Write a case of `runnel test` instead: tests/FLOW-RUN.yaml of the app.") var asTest = false
    @OptionGroup var options: AppOptions

    func run() async throws {
        try await reporting {
            let id = RunID(run)
            let bytes = try await AppAdministration.perform(app, options) { try await $0.capsule(of: id) }
            let capsule = try CapsuleText.decode(bytes)
            if asTest { return try writeCase(of: capsule) }
            if output == "-" {
                Console.data(String(decoding: bytes.dropLast(), as: UTF8.self))
            } else {
                let path = output ?? "\(capsule.run.record.start.flow)-\(run).capsule"
                try OutputFile.write(bytes, to: path)
                Console.note("\(path): run \(run) of '\(capsule.run.record.start.flow)', \(bytes.count) bytes")
            }
            if let limitation = capsule.header.limitation {
                Console.note("warning: it cannot be replayed: \(limitation)")
            }
        }
    }

    private func writeCase(of capsule: Capsule) throws {
        let replay = CapsuleReplay()
        let verdict = try replay.replay(capsule)
        let compiled = try replay.compiledApp(of: capsule)
        let text = try CaseText(capsule, app: compiled, rows: verdict.outcome.outside).text()
        if output == "-" { return Console.data(String(text.dropLast())) }
        let folder = URL(filePath: app).appending(path: "tests")
        let path = output ?? folder.appending(path: "\(capsule.run.record.start.flow)-\(run).yaml").path
        if output == nil, FileManager.default.fileExists(atPath: path) {
            throw CommandFailure("\(path) is there already; name another file with --output")
        }
        if output == nil { try OutputFile.makeFolder(folder.path) }
        try OutputFile.write(text.utf8, to: path)
        Console.note("\(path): a case; `runnel test \(app)` plays it")
    }
}
