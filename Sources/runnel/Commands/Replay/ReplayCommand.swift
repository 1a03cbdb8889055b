import ArgumentParser
import Capsules
import CustomCode
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

    @Argument(help: "The capsules.") var files: [String]
    @Option(help: "Another app's folder: what would the runs do there?") var against: String?
    @Option(help: "Stop at this block, such as outcome/0/markPaid, and show what its expressions see.")
    var block: String?
    @Option(help: "The passage through the block, from 1.") var visit = 1
    @Option(help: "With --block: evaluate this expression there, part by part.") var explain: String?
    @Flag(help: "Print nothing but differences.") var quiet = false

    func validate() throws {
        if explain != nil, block == nil { throw ValidationError("--explain needs --block") }
        if block != nil, files.count > 1 { throw ValidationError("--block takes one capsule") }
    }

    func run() async throws {
        try await reporting {
            let replay = CapsuleReplay()
            let other = try against.map { try AppLoading.app(in: $0).app }
            if let block { return try await look(at: block, replay, other) }
            var worst: ExitCode?
            for file in files {
                let outcome = try await check(file, replay, other)
                if let outcome, worst != Exit.unable { worst = outcome }
            }
            if let worst { throw worst }
        }
    }

    private func check(_ file: String, _ replay: CapsuleReplay, _ other: App?) async throws -> ExitCode? {
        do {
            let capsule = try CapsuleFile.read(file).capsule
            if let other {
                let comparison = try await compare(capsule, replay, with: other)
                let isSame = comparison.divergence == nil
                if !isSame || !quiet { Console.data(DivergenceView.text(of: comparison, file: file)) }
                return isSame ? nil : Exit.failed
            }
            let verdict = try await verdict(on: capsule, replay)
            guard let divergence = verdict.divergence else {
                let given = verdict.given == 0 ? "" : ", \(verdict.given) taken as recorded"
                if !quiet { Console.data("\(file): the same, \(verdict.blocks) entries\(given)") }
                return nil
            }
            Console.data(DivergenceView(divergence).text(file: file))
            return Exit.failed
        } catch {
            Console.data("\(file): cannot be compared: \(error)")
            return Exit.unable
        }
    }

    // MARK: Code

    private func verdict(
        on capsule: Capsule,
        _ replay: CapsuleReplay,
        watch: PassWatch? = nil
    ) async throws -> CapsuleVerdict {
        guard let code = Self.code(of: try replay.compiledApp(of: capsule)) else {
            return try replay.replay(capsule, watch: watch)
        }
        return try await replay.replay(capsule, watch: watch, running: code)
    }

    private func compare(
        _ capsule: Capsule,
        _ replay: CapsuleReplay,
        with other: App,
        watch: PassWatch = PassWatch()
    ) async throws -> AppComparison {
        let own = Self.code(of: try replay.compiledApp(of: capsule))
        guard let code = Self.code(of: other) ?? own else {
            return try replay.compare(capsule, with: other, watch: watch)
        }
        return try await replay.compare(capsule, with: other, watch: watch, running: code)
    }

    /// Nil when the app has none, or no worker is there: then what it asked and gave is taken as recorded.
    private static func code(of app: App) -> CodePool? {
        CodeRuntime.hasCode(app) ? CodeRuntime.pool(connections: app.connections) : nil
    }

    // MARK: One block

    private func look(at block: String, _ replay: CapsuleReplay, _ other: App?) async throws {
        let capsule = try CapsuleFile.read(files[0]).capsule
        let watch = PassWatch(target: BlockPath(block), visit: visit)
        let snapshot: BlockSnapshot?
        if let other {
            snapshot = try await compare(capsule, replay, with: other, watch: watch).snapshot
        } else {
            snapshot = try await verdict(on: capsule, replay, watch: watch).snapshot
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
