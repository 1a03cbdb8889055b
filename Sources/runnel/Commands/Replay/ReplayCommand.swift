import ArgumentParser
import Capsules
import Expressions
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
    @Flag(help: "Print nothing but differences.") var quiet = false

    func run() async throws {
        try await reporting {
            let replay = CapsuleReplay()
            var worst: ExitCode?
            for file in files {
                let outcome = try check(file, replay)
                if let outcome, worst != Exit.unable { worst = outcome }
            }
            if let worst { throw worst }
        }
    }

    private func check(_ file: String, _ replay: CapsuleReplay) throws -> ExitCode? {
        do {
            let capsule = try CapsuleFile.read(file).capsule
            let verdict = try replay.replay(capsule)
            guard let divergence = verdict.divergence else {
                if !quiet { Console.data("\(file): the same, \(verdict.blocks) entries") }
                return nil
            }
            Console.data(DivergenceView(divergence).text(file: file))
            return Exit.failed
        } catch {
            Console.data("\(file): cannot be compared: \(error)")
            return Exit.unable
        }
    }
}
