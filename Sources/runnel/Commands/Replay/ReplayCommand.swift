import ArgumentParser
import Capsules
import Expressions
import FlowEngine
import FlowLanguage
import Foundation

struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Runs exported runs again, offline, and tells where they differ.",
        discussion: """
            Recomputes every expression, input, request and row. Exit codes: 0 the same to the last byte, \
            1 it differs, 2 it cannot be compared.
            """
    )

    @Argument(help: "The capsules; - is standard input.") var files: [String]
    @Option(help: "Another app's folder: what would the runs do there?") var against: String?
    @Option(help: "Stop at this block, such as outcome/0/markPaid, and show what its expressions see.")
    var block: String?
    @Option(help: "The passage through the block, from 1.") var visit = 1
    @Option(help: "With --block: evaluate this expression there, part by part.") var explain: String?
    @Flag(help: "Print nothing but differences.") var quiet = false

    func validate() throws {
        if explain != nil, block == nil { throw ValidationError("--explain needs --block") }
        if visit < 1 { throw ValidationError("--visit counts from 1") }
        if visit > 1, block == nil { throw ValidationError("--visit needs --block") }
        if block != nil, files.count > 1 { throw ValidationError("--block takes one capsule") }
    }

    func run() async throws {
        try await reporting {
            let other = try against.map { try AppLoading.app(in: $0).app }
            if let block { return try await look(at: block, CapsuleReplay(), other) }
            var worst: ExitCode?
            let check = ReplayCheck(other: other, isQuiet: quiet)
            await check.run(files) { report in
                if let text = report.text { Console.data(text) }
                if let code = report.code, worst != Exit.unable { worst = code }
            }
            if let worst { throw worst }
        }
    }

    // MARK: One block

    private func look(at block: String, _ replay: CapsuleReplay, _ other: App?) async throws {
        let capsule = try CapsuleFile.read(files[0])
        let watch = PassWatch(target: BlockPath(block), visit: visit)
        let snapshot: BlockSnapshot?
        if let other {
            snapshot = try await ReplayCheck.compare(capsule, replay, with: other, watch: watch).snapshot
        } else {
            snapshot = try await ReplayCheck.verdict(on: capsule, replay, watch: watch).snapshot
        }
        guard let snapshot else {
            throw CommandFailure("the run does not pass '\(block)'\(visit > 1 ? " so often" : ""); see `capsule show`")
        }
        if let explain { return try evaluate(explain, in: snapshot) }
        let start = snapshot.range.start
        Console.note("\(snapshot.path) at \(snapshot.range.file):\(start.line):\(start.column)")
        var scope = ValueMap()
        for (name, value) in snapshot.values { scope[name] = value }
        Console.data(
            (try? JSON.encodePretty(.map(scope))) ?? String(decoding: JSON.encodeExact(.map(scope)), as: UTF8.self)
        )
    }

    private func evaluate(_ text: String, in snapshot: BlockSnapshot) throws {
        let declarations = Declarations(variables: snapshot.values.map { .init($0.name, .dynamic) })
        let bindings = Bindings(snapshot.values.map(\.value))
        let (compilation, result, trace) = Expression.explain(text, declarations: declarations, in: bindings)
        for finding in compilation.findings { Console.note("\(finding.severity)[\(finding.code)]: \(finding.message)") }
        guard let result else { throw Exit.findings }
        let bytes = Array(text.utf8)
        for entry in trace {
            let part = String(decoding: bytes[entry.range.clamped(to: 0..<bytes.count)], as: UTF8.self)
            switch entry.result {
            case .success(let value): Console.data("\(part)  →  \(CapsuleView.short(value))")
            case .failure(let error): Console.data("\(part)  →  error[\(error.code)]: \(error.message)")
            }
        }
        if case .failure(let error) = result {
            Console.note("error[\(error.code)]: \(error.message)")
            throw Exit.failed
        }
    }
}
