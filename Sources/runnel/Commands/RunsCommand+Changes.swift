import ArgumentParser
import Expressions
import FlowEngine
import FlowServer

/// The run, the app's folder and how the result is shown: what every command takes that changes a run.
struct RunChangeOptions: ParsableArguments {
    @Argument(help: "The run's id.") var run: Int64
    @Argument(help: "The app's folder.") var app: String = "."
    @OptionGroup var options: AppOptions
    @Flag(help: "As JSON.") var json = false

    /// Does it, and prints the run as it stands then.
    func perform(_ change: RunChange) async throws {
        try await reporting {
            let run = RunID(run)
            let summary = try await AppAdministration.perform(app, options) { try await $0.change(run, change) }
            if json {
                try Console.json(summary.value)
            } else {
                Console.data(summary.line)
            }
        }
    }
}

extension RunsCommand {
    struct CancelRun: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "cancel",
            abstract: "Cancels a run and the sub-flows that it waits for.",
            discussion: """
                A request on its way is settled first: by its answer, by a repetition with the same key, or by a person. \
                A cancelled run passes no further block, 'finally' included.
                """
        )
        @OptionGroup var target: RunChangeOptions

        func run() async throws { try await target.perform(.cancel) }
    }

    struct PauseRun: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause",
            abstract: "Stops a run where nothing that it sent is without its answer, until `resume`."
        )
        @OptionGroup var target: RunChangeOptions

        func run() async throws { try await target.perform(.pause) }
    }

    struct ResumeRun: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume",
            abstract: "Lets a paused or quarantined run go on.",
            aliases: ["release"]
        )
        @OptionGroup var target: RunChangeOptions

        func run() async throws { try await target.perform(.resume) }
    }

    struct SettleRun: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "settle",
            abstract: "Ends the uncertainty of a run whose outcome is unknown; look it up at the service first."
        )
        @OptionGroup var target: RunChangeOptions
        @Flag(help: "Send the request again, with the key that it had.") var sendAgain = false
        @Option(help: "It was executed: what the block gives, as a JSON object.") var done: String?
        @Option(help: "It was not executed, or was undone: why, in one sentence.") var failed: String?

        func validate() throws {
            guard [sendAgain, done != nil, failed != nil].count(where: { $0 }) == 1 else {
                throw ValidationError("give one of --send-again, --done and --failed")
            }
        }

        func run() async throws {
            if let done {
                guard let output = try? JSON.parse(done).mapValue else {
                    throw ValidationError("--done must be a JSON object")
                }
                try await target.perform(.markDone(output: output))
            } else if let failed {
                try await target.perform(.markFailed(message: failed))
            } else {
                try await target.perform(.sendAgain)
            }
        }
    }
}
