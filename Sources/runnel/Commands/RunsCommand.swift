import ArgumentParser
import Expressions
import FlowEngine
import FlowServer

struct RunsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs",
        abstract: "What ran, and how.",
        subcommands: [
            ListRuns.self, ShowRun.self, CancelRun.self, PauseRun.self, ResumeRun.self, SettleRun.self, RerunRun.self,
            RetryRun.self, ExportRun.self,
        ]
    )

    struct ListRuns: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "Runs, newest first.")
        @Argument(help: "The app's folder.") var app: String = "."
        @Option(help: "Only runs of this flow.") var flow: String?
        @Option(help: "Only runs with this status; may be given again.") var status: [RunStatus] = []
        @Option(help: "How many at the most.") var limit = 20
        @Flag(help: "Also branches of 'parallel' and 'for-each', which are runs of their own.") var branches = false
        @OptionGroup var options: AppOptions
        @Flag(help: "As JSON.") var json = false
        @Flag(help: "Go on printing what changes, until it is interrupted.") var follow = false

        func validate() throws {
            guard (1...Administration.listLength).contains(limit) else {
                throw ValidationError("--limit is a number from 1 to \(Administration.listLength)")
            }
        }

        func run() async throws {
            try await reporting {
                var filter = RunFilter(flow: flow, statuses: Set(status), limit: limit)
                filter.includesBranches = branches
                if follow {
                    return try await Following(app: app, options: options, json: json).runs(matching: filter)
                }
                let runs = try await AppAdministration.perform(app, options) { try await $0.runs(matching: filter) }
                if json {
                    try Console.json(.list(runs.map(\.value)))
                } else {
                    for run in runs { Console.data(run.line) }
                }
            }
        }
    }

    struct ShowRun: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "One run as a tree of its blocks."
        )
        @Argument(help: "The run's id.") var run: Int64
        @Argument(help: "The app's folder.") var app: String = "."
        @OptionGroup var options: AppOptions
        @Flag(help: "As JSON, with inputs and outputs.") var json = false
        @Flag(help: "Wait for its end; exit code 1 when it failed.") var follow = false

        func run() async throws {
            try await reporting {
                let id = RunID(run)
                if follow { return try await Following(app: app, options: options, json: json).run(id) }
                let report = try await AppAdministration.perform(app, options) { try await $0.report(of: id) }
                if json {
                    try Console.json(report.value)
                } else {
                    Console.data(report.tree)
                }
            }
        }
    }
}

extension RunStatus: ExpressibleByArgument {}
