import ArgumentParser
import Capsules
import Expressions
import FlowEngine
import FlowLanguage
import FlowTesting
import Foundation

struct TestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Plays the test cases of an app, offline and on virtual time.",
        discussion: """
            Cases are in APP/tests/*.yaml. Each has a store, a clock and a Stripe of its own; a request that nobody is \
            there to answer is refused.
            Exit code 0: all passed; 1: some failed, or less is covered than --require asks for; 3: findings.
            """
    )

    @Argument(help: "The app's folder.") var app: String = "."
    @Option(help: "Only cases whose name or file contains this.") var filter: String?
    @Option(help: "Write JUnit's XML to this file.") var junit: String?
    @Flag(help: "Print the results as JSON.") var json = false
    @Flag(help: "Write what there is in the place of what was expected.") var update = false
    @Flag(help: "Print what of each flow the cases exercise.") var coverage = false
    @Option(help: "Write each run of the cases as a capsule into this folder, to look into with `runnel replay`.")
    var capsules: String?
    @Option(help: "Fail when less than this share of the flows is exercised, in percent.") var require: Int?
    @Flag(help: "Play again what a change of the app's files touches, until stopped.") var watch = false

    func validate() throws {
        if let require, !(0...100).contains(require) { throw ValidationError("--require is a share from 0 to 100") }
        let others = json || update || coverage || junit != nil || capsules != nil || require != nil
        if watch, others { throw ValidationError("--watch goes with --filter alone") }
    }

    func run() async throws {
        try await reporting {
            var loaded = try LoadedCases.load(app)
            if watch { return try await CaseWatch(app, filter: filter).run(loaded) }
            let all = loaded.cases.count
            if let filter { loaded.keep { $0.matches(filter) } }
            guard !loaded.cases.isEmpty else {
                let none = filter == nil || all == 0
                throw CommandFailure(
                    none ? "\(app) has no test cases: write one in \(app)/tests/" : "no case matches '\(filter ?? "")'"
                )
            }
            let progress = json ? nil : TestProgress(total: loaded.cases.count)
            let report = try await loaded.play(progress: progress, isExporting: capsules != nil)
            if let capsules { try write(report.outcomes, to: URL(filePath: capsules)) }
            try show(report, loaded)
        }
    }

    private func show(_ report: SuiteReport, _ loaded: LoadedCases) throws {
        let covered = CoverageReport(app: loaded.app, passages: report.passages)
        if json {
            var value = report.value.mapValue ?? ValueMap()
            if coverage || require != nil { value["coverage"] = covered.value }
            try Console.json(.map(value))
        } else {
            let text = ProblemText(
                sources: loaded.files + loaded.appFiles,
                app: loaded.app,
                isColoured: Terminal.isColoured
            )
            for outcome in report.failed { Console.data(text.render(outcome)) }
            if coverage { Console.data(covered.text) }
            Console.note(report.summary)
        }
        if let junit { try OutputFile.write(report.junit.utf8, to: junit) }
        if update, !report.isPassed { return try write(ExpectationUpdate(loaded.files, report.outcomes)) }
        guard report.isPassed else { throw Exit.failed }
        if let require, covered.percent < require {
            Console.note(
                "\(covered.percent) % is exercised, \(require) % is required; `--coverage` tells what is missing"
            )
            throw Exit.failed
        }
    }

    /// A file for each run: the case's number, the flow, the run's number in the case.
    private func write(_ outcomes: [CaseOutcome], to folder: URL) throws {
        try OutputFile.makeFolder(folder.path)
        for (number, outcome) in outcomes.enumerated() {
            for capsule in outcome.capsules {
                let record = capsule.run.record
                let name = "\(number + 1)-\(record.start.flow)-\(record.id).capsule"
                try OutputFile.write(CapsuleText.encode(capsule), to: folder.appending(path: name).path)
            }
        }
        Console.note("\(outcomes.reduce(0) { $0 + $1.capsules.count }) capsules in \(folder.path)")
    }

    private func write(_ update: ExpectationUpdate) throws {
        for file in update.changed { try OutputFile.write(file.bytes, to: file.path) }
        let files = update.changed.map(\.path).joined(separator: ", ")
        Console.note(
            update.count == 0
                ? "nothing of this can be updated: conditions and faults are yours to change"
                : "\(update.count) value\(update.count == 1 ? "" : "s") updated in \(files); look at the difference, then test again"
        )
        guard update.count > 0 else { throw Exit.failed }
    }
}

extension TestCase {
    func matches(_ filter: String) -> Bool {
        name.localizedCaseInsensitiveContains(filter) || range.file.localizedCaseInsensitiveContains(filter)
    }
}
