import ArgumentParser
import Expressions
import FlowLanguage
import FlowTesting
import Foundation

struct TortureCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "torture",
        abstract: "Looks for the order of events that breaks a flow.",
        discussion: """
            Plays the app's test cases with events that come twice, late or at once, with requests that fail, are lost \
            or are slow, and with a process that dies at every write. What the cases expect and the app's `invariants:` \
            must hold all the same. The smallest history that breaks one is printed as a case file: keep it in tests/.
            The same seed and number of histories give the same result. Exit code 1: something broke.
            """
    )

    @Argument(help: "The app's folder.") var app: String = "."
    @Argument(help: "Only cases whose name or file contains this.") var only: String?
    @Option(help: "What is drawn follows from it.") var seed: UInt64 = 1
    @Option(help: "Histories for each case, or a time for each, such as 60s.") var budget = "500"
    @Flag(help: "Print the results as JSON.") var json = false

    func run() async throws {
        try await reporting {
            let budget = try parsedBudget()
            var loaded = try LoadedCases.load(app)
            if let only { loaded.keep { $0.matches(only) } }
            guard !loaded.cases.isEmpty else { throw CommandFailure("there is no such case in \(app)/tests") }
            if loaded.app.invariants.isEmpty {
                Console.note(
                    "warning: app.yaml has no `invariants:`, so late and declined ones are held against little"
                )
            }
            let torture = Torture(
                try loaded.suite(),
                seed: seed,
                budget: budget,
                places: ProcessInfo.processInfo.activeProcessorCount
            )
            var results: [Torture.Result] = []
            for test in loaded.cases { results.append(await play(test, torture)) }
            try report(results, loaded)
        }
    }

    private func parsedBudget() throws -> Torture.Budget {
        if let histories = Int(budget), histories > 0 { return Torture.Budget(histories: histories) }
        if budget.hasSuffix("s"), let seconds = Int(budget.dropLast()), seconds > 0 {
            return Torture.Budget(histories: .max / 2, time: .seconds(seconds))
        }
        throw ValidationError("--budget is a number of histories, such as 500, or a time, such as 60s")
    }

    private func play(_ test: TestCase, _ torture: Torture) async -> Torture.Result {
        let name = test.name.prefix(40)
        let result = await torture.run(test) { done, planned in
            guard Terminal.showsProgress else { return }
            Console.progress("\(name)  \(planned > 1_000_000 ? "\(done)" : "\(done)/\(planned)") histories")
        }
        if Terminal.showsProgress { Console.progress("") }
        return result
    }

    private func report(_ results: [Torture.Result], _ loaded: LoadedCases) throws {
        if json {
            try Console.json(.list(results.map { $0.value(seed: seed, sources: loaded.files) }))
        } else {
            for result in results { show(result, loaded) }
        }
        guard results.allSatisfy({ $0.breach == nil && $0.quiet == nil }) else { throw Exit.failed }
    }

    private func show(_ result: Torture.Result, _ loaded: LoadedCases) {
        if let quiet = result.quiet {
            Console.note("✗ \(result.test.name): fails undisturbed")
            let text = ProblemText(
                sources: loaded.files + loaded.appFiles,
                app: loaded.app,
                isColoured: Terminal.isColoured
            )
            return Console.note(text.render(quiet))
        }
        guard let breach = result.breach else {
            let share =
                result.isExhaustive ? "all \(result.singles) single disturbances" : "a part of \(result.singles)"
            return Console.note("✓ \(result.test.name): held in \(result.histories) histories (\(share))")
        }
        Console.note("✗ \(result.test.name): broke in history \(result.histories) or before it")
        Console.note("  \(breach.story)")
        Console.note("  \(breach.problem.headline)\n")
        Console.data(BreachCase(breach, sources: loaded.files, seed: seed).text)
    }
}

extension Torture.Result {
    func value(seed: UInt64, sources: [SourceFile]) -> Value {
        var value: ValueMap = [
            "case": .string(test.name), "histories": .int(Int64(histories)), "singles": .int(Int64(singles)),
            "exhaustive": .bool(isExhaustive), "held": .bool(breach == nil && quiet == nil),
        ]
        if let breach {
            value["story"] = .string(breach.story)
            value["events"] = .int(Int64(breach.events))
            value["problem"] = .string(breach.problem.headline)
            value["file"] = .string(BreachCase(breach, sources: sources, seed: seed).text)
        }
        return .map(value)
    }
}
