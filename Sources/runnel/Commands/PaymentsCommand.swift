import ArgumentParser
import FlowLanguage
import Foundation
import Payments

struct PaymentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payments",
        abstract: "The payment feature of an app.",
        subcommands: [Activate.self]
    )

    struct Activate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "activate",
            abstract: "Writes the callback actionflows into an app; never over a file that is there."
        )
        @Argument(help: "The app's folder.") var app: String = "."

        func run() async throws {
            try await reporting {
                let files = try PaymentsActivation.missingFiles(in: AppFolder.read(app), of: app)
                for file in files {
                    let target = URL(filePath: app).appending(path: file.path)
                    try FileManager.default.createDirectory(
                        at: target.deletingLastPathComponent(),
                        withIntermediateDirectories: true
                    )
                    try Data(file.contents).write(to: target, options: .withoutOverwriting)
                    Console.data(target.path)
                }
                if files.isEmpty { Console.note("the callbacks are there already") }
            }
        }
    }
}
