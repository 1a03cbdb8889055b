import ArgumentParser
import FlowServer
import Expressions
import Foundation

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copies an app's data to a new file, also while a server uses them.",
        discussion: """
            The copy is one moment of everything: runs, journals, tables, events, sealed secrets. The key that opens \
            the secrets is not in it: keep the key file (runnel doctor names it) elsewhere. To go back, stop the \
            server and put the copy in place of runnel.sqlite, without the -wal and -shm files beside it.
            """
    )

    @Argument(help: "The file to write; nothing may stand there yet.") var file: String
    @Argument(help: "The app's folder.") var app: String = "."
    @OptionGroup var options: AppOptions
    @Flag(help: "As JSON.") var json = false

    func run() async throws {
        try await reporting {
            // The server may have another working folder than this command.
            let path = URL(filePath: file).standardizedFileURL.path
            let bytes = try await AppAdministration.perform(app, options) { try await $0.backUp(to: path) }
            if json {
                try Console.json(["file": .string(path), "bytes": .int(Int64(bytes))])
            } else {
                Console.note("\(path): \(bytes) bytes")
            }
        }
    }
}
