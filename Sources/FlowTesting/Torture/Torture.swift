import Expressions
package import FlowLanguage

/// Plays a case under every disturbance of its way, or as many as the budget allows, and reduces what breaks it.
///
/// A quiet run tells what there is to disturb. Then come all single disturbances, and behind them pairs drawn by the
/// seed. The same case, seed and number of histories give the same result.
package struct Torture: Sendable {
    package struct Budget: Sendable, Hashable {
        package var histories: Int
        package var time: Duration?

        package init(histories: Int = 500, time: Duration? = nil) {
            self.histories = histories
            self.time = time
        }
    }

    /// What became of one case.
    package struct Result: Sendable {
        package var test: TestCase
        /// Histories that were played, the quiet one among them.
        package var histories: Int
        /// Single disturbances that there are, and whether all of them were played.
        package var singles: Int
        package var isExhaustive: Bool
        /// The smallest history that breaks the case; nil: all held.
        package var breach: Breach?
        /// The case fails undisturbed: then nothing more is to be learnt from it.
        package var quiet: CaseOutcome?
    }

    /// A history that breaks a case, reduced.
    package struct Breach: Sendable {
        package var test: TestCase
        package var disturbances: [Disturbance]
        package var outcome: CaseOutcome
        /// What broke.
        package var problem: CaseProblem

        /// Steps and disturbances.
        package var events: Int { test.steps.count + disturbances.count }
    }

    let suite: TestSuite
    let seed: UInt64
    let budget: Budget
    let places: Int

    package init(_ suite: TestSuite, seed: UInt64, budget: Budget, places: Int) {
        self.suite = suite
        self.seed = seed
        self.budget = budget
        self.places = places
    }

    /// `onProgress` is told the number of histories played and planned.
    package func run(
        _ test: TestCase,
        onProgress: @Sendable (Int, Int) -> Void = { _, _ in }
    ) async -> Result {
        let start = ContinuousClock.now
        let test = test.aboutEndsAlone
        let quiet = await suite.play(test, seed: seed, folder: "quiet")
        var plan = TorturePlan(quiet.course, seed: seed)
        var result = Result(test: test, histories: 1, singles: plan.singles.count, isExhaustive: false)
        guard quiet.isPassed else {
            result.quiet = quiet
            return result
        }
        let total = plan.singles.isEmpty ? 0 : max(0, budget.histories - 1)
        while result.histories - 1 < total {
            if let time = budget.time, ContinuousClock.now - start > time { break }
            let count = min(total - result.histories + 1, places * 4)
            let batch = (0..<count).map { _ in plan.next() }
            let outcomes = await play(batch, of: test, number: result.histories)
            result.histories += batch.count
            onProgress(result.histories, total + 1)
            // The first of the list, not the first to end: the same seed finds the same.
            for (history, outcome) in zip(batch, outcomes) {
                guard let problem = Verdict(history, quiet.course).breach(in: outcome) else { continue }
                let breach = Breach(test: test, disturbances: history, outcome: outcome, problem: problem)
                result.breach = await TortureReduction(self).reduce(breach)
                return result
            }
        }
        result.isExhaustive = result.histories > plan.singles.count
        return result
    }

    private func play(_ batch: [[Disturbance]], of test: TestCase, number: Int) async -> [CaseOutcome] {
        await inParallel(Array(batch.enumerated()), places: places) { index, history in
            await suite.play(test, disturbed: history, seed: seed, folder: "history-\(number + index)")
        }
    }
}

extension TestCase {
    /// The case without what it says of the way: a disturbed one takes another way to the same end.
    package var aboutEndsAlone: TestCase {
        var test = self
        test.expectation = expectation.aboutEndsAlone
        for index in test.steps.indices {
            test.steps[index].expectation = test.steps[index].expectation.aboutEndsAlone
        }
        return test
    }
}

extension CaseExpectation {
    private static let way: Set = ["runs", "requests", "log", "path"]

    fileprivate var aboutEndsAlone: CaseExpectation {
        var expectation = self
        if let value, case .map(let members) = value.content {
            let kept = members.filter { !Self.way.contains($0.name) }
            expectation.value = CaseValue(.map(kept), range: value.range)
        }
        expectation.conditions = conditions.filter { condition in
            !condition.expression.references.contains { Self.way.contains($0.path.first ?? "") }
        }
        return expectation
    }
}
