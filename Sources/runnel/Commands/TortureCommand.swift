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
            Each alone comes first, then, if nothing broke, pairs. The same seed and number of histories give the same \
            result. Exit code 1: something broke.
            """
    )

    @Argument(help: "The app's folder.") var app: String = "."
    @Argument(help: "Only cases whose name or file contains this.") var only: String?
    @Option(help: "What is drawn follows from it.") var seed: UInt64 = 1
    @Option(help: "Histories for each case, or a time for all of them, such as 60s or 5m.") var budget = "500"
    @Flag(help: "Print the results as JSON.") var json = false

    func validate() throws { _ = try parsedBudget() }

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
            let isShown = !json
            let results = await torture.run(loaded.cases) { [loaded] result in
                clearProgress()
                if isShown { showBroken(result, loaded) }
            } onProgress: { done, planned in
                guard Terminal.showsProgress else { return }
                Console.progress("\(done)\(planned > 1_000_000 ? "" : "/\(planned)") histories")
            }
            clearProgress()
            try report(results, loaded)
        }
    }

    private func parsedBudget() throws -> Torture.Budget {
        if let histories = Int(budget), histories > 0 { return Torture.Budget(histories: histories) }
        let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600]
        if let unit = budget.last.flatMap({ units[$0] }), let count = Int(budget.dropLast()), (1...86_400) ~= count {
            return Torture.Budget(histories: .max / 2, time: .seconds(count * unit))
        }
        throw ValidationError("--budget is a number of histories, such as 500, or a time, such as 60s or 5m")
    }

    private func clearProgress() {
        if Terminal.showsProgress { Console.progress("") }
    }

    private func report(_ results: [Torture.Result], _ loaded: LoadedCases) throws {
        if json {
            try Console.json(.list(results.map { $0.value(seed: seed, sources: loaded.files) }))
        } else {
            for result in results where result.breach == nil && result.quiet == nil {
                Console.note("✓ \(result.test.name): held in \(result.extent)")
            }
        }
        let broken = results.filter { $0.breach != nil || $0.quiet != nil }.count
        guard broken > 0 else { return }
        if !json { Console.note("\(broken) of \(results.count) cases broke; mend that, and pairs are tried too") }
        throw Exit.failed
    }

    private func showBroken(_ result: Torture.Result, _ loaded: LoadedCases) {
        if let quiet = result.quiet {
            Console.note("✗ \(result.test.name): fails undisturbed")
            let text = ProblemText(
                sources: loaded.files + loaded.appFiles,
                app: loaded.app,
                isColoured: Terminal.isColoured
            )
            return Console.note(text.render(quiet))
        }
        guard let breach = result.breach else { return }
        Console.note("✗ \(result.test.name): broke in history \(result.histories)")
        Console.note("  \(breach.story)")
        Console.note("  \(breach.problem.headline)")
        if breach.isKnown { return Console.note("  (in the same place as a case above: not reduced)\n") }
        Console.note("")
        Console.data(BreachCase(breach, sources: loaded.files, seed: seed).text)
    }
}

extension Torture.Result {
    /// What was played, in words.
    fileprivate var extent: String {
        let histories = "\(histories) histor\(histories == 1 ? "y" : "ies")"
        if singles == 0 { return "\(histories) (there is nothing to disturb)" }
        return "\(histories) (\(isExhaustive ? "all" : "a part of") \(singles) single disturbances)"
    }

    func value(seed: UInt64, sources: [SourceFile]) -> Value {
        var value: ValueMap = [
            "case": .string(test.name), "histories": .int(Int64(histories)), "singles": .int(Int64(singles)),
            "exhaustive": .bool(isExhaustive), "held": .bool(breach == nil && quiet == nil),
        ]
        if let breach {
            value["story"] = .string(breach.story)
            value["events"] = .int(Int64(breach.events))
            value["problem"] = .string(breach.problem.headline)
            value["reduced"] = .bool(!breach.isKnown)
            value["file"] = .string(BreachCase(breach, sources: sources, seed: seed).text)
        }
        return .map(value)
    }
}
