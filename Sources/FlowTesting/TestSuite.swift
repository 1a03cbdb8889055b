package import Capsules
package import Connections
package import FlowEngine
package import FlowLanguage
package import Foundation

/// What became of one case.
package struct CaseOutcome: Sendable {
    package var test: TestCase
    /// Empty: it passed.
    package var problems: [CaseProblem]
    /// Nil when the case could not be played to its end.
    package var record: CaseRecord?
    /// Its runs, if they were asked for.
    package var capsules: [Capsule] = []
    package var passages: Passages
    package var duration: Duration
    /// What the way was made of; for whoever wants to disturb it.
    package var course: CaseCourse
    /// A step went otherwise than the case expects.
    package var hasLeftItsCourse: Bool

    package var isPassed: Bool { problems.isEmpty }
}

/// The parts of a case's way that can be disturbed.
package struct CaseCourse: Sendable, Hashable {
    package var events: [CaseEvent] = []
    /// In the order of their numbers, how each may be repeated.
    package var requests: [Effect] = []
    /// The numbers of the writes since the first step.
    package var writes: Range<Int> = 0..<0
}

/// Plays the cases of one app, several at once, each in a world of its own.
package struct TestSuite: Sendable {
    package let app: App
    package let cases: [TestCase]
    private let template: StoreTemplate
    private let files: CaseFiles
    private let folder: URL
    private let code: (any CodeRunner)?
    private let explicit: ExplicitCredentials
    private let exportedSources: [SourceFile]?

    /// Code blocks fail without something to run `code`.
    ///
    /// That shares `explicit`, the keys that code gives. With the app's files as `sources`, runs become capsules.
    ///
    /// - Throws: When the template of the store cannot be made.
    package init(
        app: App,
        cases: [TestCase],
        files: CaseFiles,
        folder: URL,
        code: (any CodeRunner)? = nil,
        explicit: ExplicitCredentials = ExplicitCredentials(),
        exporting sources: [SourceFile]? = nil
    ) throws {
        self.app = app
        exportedSources = sources
        self.code = code
        self.explicit = explicit
        self.cases = cases
        self.files = files
        self.folder = folder
        template = try StoreTemplate(app: app, in: folder.appending(path: "template"))
    }

    /// Plays all cases, in the order of the files as far as outcomes are concerned.
    ///
    /// `onOutcome` is told of each as it ends.
    package func run(
        places: Int,
        onOutcome: @escaping @Sendable (CaseOutcome) -> Void = { _ in }
    ) async -> [CaseOutcome] {
        defer { try? FileManager.default.removeItem(at: folder) }  // Temporary files.
        return await inParallel(Array(cases.enumerated()), places: places) { number, test in
            let outcome = await play(test, folder: "case-\(number)")
            onOutcome(outcome)
            return outcome
        }
    }

    /// Plays one case, with its own disturbances and further ones.
    package func play(
        _ test: TestCase,
        disturbed: [Disturbance] = [],
        seed: UInt64 = 1,
        folder name: String
    ) async -> CaseOutcome {
        let start = ContinuousClock.now
        var outcome = CaseOutcome(
            test: test,
            problems: [],
            passages: Passages(),
            duration: .zero,
            course: CaseCourse(),
            hasLeftItsCourse: false
        )
        do {
            try await play(test, disturbed, seed, folder.appending(path: name), &outcome)
        } catch let fault as CaseFault {
            outcome.problems.append(
                CaseProblem(.fault, test.name, expected: "a case", actual: fault.message, range: fault.range)
            )
        } catch {
            outcome.problems.append(
                CaseProblem(.error, test.name, expected: "to come to an end", actual: "\(error)", range: test.range)
            )
        }
        outcome.duration = ContinuousClock.now - start
        return outcome
    }

    private func play(
        _ test: TestCase,
        _ disturbed: [Disturbance],
        _ seed: UInt64,
        _ folder: URL,
        _ outcome: inout CaseOutcome
    ) async throws {
        let capsules = Set(test.steps.filter(\.isCapsule).map(\.range))
        let test = try CapsuleStep(app: app, files: files).expanded(test)
        let plan = PlannedTrouble(test.disturbances.map(\.disturbance) + disturbed)
        let world = try await TestWorld.make(
            app,
            given: test.given,
            template: template,
            folder: folder,
            seed: seed,
            plan: plan,
            code: code,
            explicit: explicit
        )
        let run = CaseRun(test, in: world, files: files, plan: plan)
        let result: Result<CaseRecord, any Error>
        do {
            let record = try await run.play()
            run.check(record)
            result = .success(record)
        } catch {
            result = .failure(error)
        }
        outcome.problems = run.problems.map { problem in
            var problem = problem
            // What a capsule expects stands in it, and not where the case names it.
            if capsules.contains(problem.range) { problem.replacement = nil }
            return problem
        }
        outcome.hasLeftItsCourse = run.hasLeftItsCourse
        outcome.course = CaseCourse(
            events: run.mailbox.posted,
            requests: world.outside.effects,
            writes: run.firstWrite..<max(run.firstWrite, world.store.writes + 1)
        )
        if let exportedSources { outcome.capsules = try await world.capsules(of: exportedSources) }
        await world.close()
        let record = try result.get()
        outcome.record = record
        for recorded in record.runs { outcome.passages.add(recorded, graph: app.flows[recorded.record.start.flow]) }
    }
}

extension CaseStep {
    fileprivate var isCapsule: Bool { if case .capsule = action { true } else { false } }
}

/// Does `body` for each item, `places` at once, and gives the results in the order of the items.
func inParallel<Item: Sendable, Result: Sendable>(
    _ items: [Item],
    places: Int,
    _ body: @escaping @Sendable (Item) async -> Result
) async -> [Result] {
    await withTaskGroup(of: (Int, Result).self) { group in
        var results: [(Int, Result)] = []
        var next = 0
        while results.count < items.count {
            while next < items.count, next - results.count < max(1, places) {
                let number = next
                group.addTask { (number, await body(items[number])) }
                next += 1
            }
            guard let result = await group.next() else { break }
            results.append(result)
        }
        return results.sorted { $0.0 < $1.0 }.map(\.1)
    }
}
