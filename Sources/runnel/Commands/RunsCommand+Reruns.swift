import ArgumentParser
import Expressions
import FlowEngine
import FlowLanguage
import FlowServer
import FlowStores

/// The run, the app's folder and whether to do it: what both commands take that do a run again.
struct RerunOptions: ParsableArguments {
    @Argument(help: "The run's id.") var run: Int64
    @Argument(help: "The app's folder.") var app: String = "."
    @OptionGroup var options: AppOptions
    @Flag(help: "Do it, although it repeats effects.") var yes = false
    @Flag(help: "Wait for the new run's end; exit code 1 when it failed.") var follow = false
    @Flag(help: "As JSON.") var json = false

    func perform(_ start: RerunStart, input: ValueMap?) async throws {
        try await reporting {
            let server = AdminClient(socket: AdminSocket.path(forDataFolder: options.dataFolder(of: app)))
            if await server.isServing { try await options.agree(with: server) }
            if follow { try await Following.checkServer(of: app, options) }
            let order = RerunOrder(start: start, input: input, isConfirmed: yes)
            let outcome = try await AppAdministration.perform(app, options) { try await $0.rerun(RunID(run), order) }
            if json { try Console.json(outcome.value) } else { report(outcome) }
            guard let again = outcome.run else { throw Exit.unable }
            if follow { try await Following(app: app, options: options, json: json).run(again) }
        }
    }

    private func report(_ outcome: RerunOutcome) {
        let plan = outcome.plan
        if !outcome.lines.isEmpty {
            Console.note(outcome.run == nil ? "It would do again:" : "It does again:")
            for line in outcome.lines { Console.note(line) }
        }
        guard let again = outcome.run else {
            return Console.note("Nothing was done. Add --yes to do it.")
        }
        let kept = plan.kept > 0 ? ", which keeps \(plan.kept) of its entries" : ""
        Console.data("run \(again) does run \(plan.run) of \(plan.flow) again\(kept)")
    }
}

extension RunsCommand {
    struct RerunRun: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rerun",
            abstract: "Does a run again, as a new run that names the old one.",
            discussion: """
                What it would repeat is listed first, and is done only with --yes. With --from the entries before the \
                block are kept, if the flow is still the same and goes that way with the input.
                """
        )
        @OptionGroup var target: RerunOptions
        @Option(help: "The path of the block to begin from, as `runs show` prints it.") var from: String?
        @Option(help: "Another input, as a JSON object.") var input: String?

        func run() async throws {
            var members: ValueMap?
            if let input {
                guard let map = try? JSON.parse(input).mapValue else {
                    throw ValidationError("--input must be a JSON object")
                }
                members = map
            }
            try await target.perform(from.map { .block(BlockPath($0)) } ?? .beginning, input: members)
        }
    }

    struct RetryRun: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "retry",
            abstract: "Does a failed run again from the block at which it failed."
        )
        @OptionGroup var target: RerunOptions

        func run() async throws { try await target.perform(.failure, input: nil) }
    }
}

/// Waits for runs and prints what changes.
struct Following {
    let app: String
    let options: AppOptions
    let json: Bool

    /// Without a server nobody takes up the new run, so its end would never come.
    static func checkServer(of app: String, _ options: AppOptions) async throws {
        let server = AdminClient(socket: AdminSocket.path(forDataFolder: options.dataFolder(of: app)))
        guard await !server.isServing else { return }
        throw CommandFailure(
            "--follow waits for a run that no server would take up; start `runnel serve` first, or leave --follow out"
        )
    }

    /// Returns when the run is over, or can go on by a person's decision alone.
    ///
    /// - Throws: Exit code 1 when it failed, 2 when it is not over.
    func run(_ id: RunID) async throws {
        var last: RunSummary?
        while true {
            let report = try await ask(isFirst: last == nil) { try await $0.report(of: id, waiting: $1) }
            if report.summary != last, !json { Console.note(report.summary.line) }
            last = report.summary
            if report.summary.status.isFinal {
                if json { try Console.json(report.value) } else { Console.data(report.tree) }
                if report.summary.status != .succeeded { throw Exit.failed }
                return
            }
            if report.summary.status.needsPerson {
                Console.data(report.tree)
                let server = AdminClient(socket: AdminSocket.path(forDataFolder: options.dataFolder(of: app)))
                let isServed = await server.isServing
                Console.note(report.summary.wayOn(at: options.place(of: app), isServed: isServed))
                throw Exit.unable
            }
            // A run that waits answers at once that it does.
            try await Self.pause()
        }
    }

    /// Asks the server, again for a minute while one begins or ends; it may take its time to answer.
    ///
    /// Without one the data is opened, at first and once a minute, for a look alone: whoever holds it keeps a server
    /// from starting.
    private func ask<Answer>(
        isFirst: Bool,
        _ question: (any Administering, Duration) async throws -> Answer
    ) async throws -> Answer {
        let server = AdminClient(socket: AdminSocket.path(forDataFolder: options.dataFolder(of: app)))
        for attempt in 1..<60 {
            do {
                if await server.isServing { return try await question(server, .seconds(5)) }
                if isFirst, attempt == 1 { return try await look(question) }
            } catch let error as StoreOpenError {
                guard case .inUse = error else { throw error }
            } catch let error as AdministrationError where error.code == .unavailable {
                // It was there a moment ago.
            }
            try await Self.pause()
        }
        return try await look(question)
    }

    private func look<Answer>(
        _ question: (any Administering, Duration) async throws -> Answer
    ) async throws -> Answer {
        try await AppAdministration.perform(app, options) { try await question($0, .zero) }
    }

    private static func pause() async throws {
        let clock = SystemClock()
        if let next = clock.now() + .seconds(1) { try await clock.sleep(until: next) }
    }

    /// Prints each run that fits when it is new or has changed, until it is interrupted.
    func runs(matching filter: RunFilter) async throws {
        var filter = filter
        var known: [RunID: RunSummary] = [:]
        var oldest = RunID(0)
        var isFirst = true
        while true {
            let query = filter
            let runs = try await ask(isFirst: isFirst) { store, _ in try await store.runs(matching: query) }
            isFirst = false
            for run in runs.reversed() where run.id >= oldest && known[run.id] != run {
                if json { try Console.json(run.value) } else { Console.data(run.line) }
            }
            if known.isEmpty, runs.count == filter.limit { oldest = runs.last?.id ?? oldest }
            known = Dictionary(runs.map { ($0.id, $0) }) { first, _ in first }
            // Between two looks more runs may come than were asked for at first.
            filter.limit = Administration.listLength
            try await Self.pause()
        }
    }
}
