import ArgumentParser
import FlowEngine
import FlowLanguage
import FlowServer
import FlowStores
import Foundation

struct TablesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tables",
        abstract: "Changes of an app's tables that are more than additions.",
        discussion: """
            New tables, new columns that are optional or have a default, and new indexes are added by themselves at the \
            next start. For other changes the server is stopped, and a table is made anew with its rows. What a column \
            held that is no longer declared is lost: copy the data first (runnel backup).
            """,
        subcommands: [Plan.self, Apply.self]
    )

    struct Plan: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tries what 'apply' would do, undoes it, and shows it.",
            discussion: "The server must be stopped. Exit code 3: the rows that are there stand against it."
        )
        @Argument(help: "The app's folder.") var app: String = "."
        @OptionGroup var options: AppOptions

        func run() async throws { try await TablesCommand.remodel(app, options, isTrial: true) }
    }

    struct Apply: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes the tables that changed anew, all or none.",
            discussion: "The server must be stopped. Exit code 3: the rows that are there stand against it."
        )
        @Argument(help: "The app's folder.") var app: String = "."
        @OptionGroup var options: AppOptions

        func run() async throws { try await TablesCommand.remodel(app, options, isTrial: false) }
    }

    private static func remodel(_ app: String, _ options: AppOptions, isTrial: Bool) async throws {
        try await reporting {
            let loaded = try AppLoading.app(in: app)
            let folder = try options.usedDataFolder(of: app)
            guard FileManager.default.fileExists(atPath: folder + "/runnel.sqlite") else {
                return Console.note("there are no tables yet: they are made at the first start")
            }
            let differences: [String]
            do throws(StoreOpenError) {
                differences = try SQLiteStore.remodel(folder: folder, tables: loaded.app.tables, isTrial: isTrial)
            } catch {
                guard case .store(let failure) = error, failure.code == .schema else { throw error }
                for obstacle in failure.message.split(separator: "; ") { print("stands against it: \(obstacle)") }
                throw ExitCode(3)
            }
            for difference in differences { print(difference) }
            guard !differences.isEmpty else { return Console.note("the tables are as they are declared") }
            let place = options.place(of: app)
            Console.note(isTrial ? "this can be done: runnel tables apply \(place)" : "done")
        }
    }
}
