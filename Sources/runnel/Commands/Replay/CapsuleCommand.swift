import ArgumentParser
import Capsules
import FlowEngine

struct CapsuleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capsule",
        abstract: "Looks at exported runs.",
        subcommands: [ShowCapsule.self, VerifyCapsule.self]
    )

    struct ShowCapsule: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "What a capsule holds, as a person reads it."
        )
        @Argument(help: "The capsule; - is standard input.") var file: String

        func run() async throws {
            try await reporting { Console.data(CapsuleView(try CapsuleFile.read(file)).text) }
        }
    }

    struct VerifyCapsule: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "verify",
            abstract: "Checks that every byte is as it was written.",
            discussion: "Exit code 1: one is not; 2: a file cannot be read."
        )
        @Argument(help: "The capsules; - is standard input.") var files: [String]

        func run() async throws {
            try await reporting {
                var worst: ExitCode?
                for file in files {
                    do throws(CapsuleFile.Refusal) {
                        let record = try CapsuleFile.read(file).run.record
                        Console.data("\(file): whole, run \(record.id) of '\(record.start.flow)'")
                    } catch {
                        Console.data(error.description)
                        if worst != Exit.unable { worst = error.isDamage ? Exit.failed : Exit.unable }
                    }
                }
                if let worst { throw worst }
            }
        }
    }
}
