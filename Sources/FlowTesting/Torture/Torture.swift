import Expressions
package import FlowLanguage

/// Plays cases under every disturbance of their ways, or as many as the budget allows, and reduces what breaks them.
///
/// 1. A quiet run of each case tells what there is to disturb.
/// 2. Then come all single disturbances, a few of each case in turn: so what is wrong is found early, wherever it is.
/// 3. Behind them, if nothing broke, come pairs drawn by the seed.
///
/// The same cases, seed and number of histories give the same result.
package struct Torture: Sendable {
    package struct Budget: Sendable, Hashable {
        /// Of each case at the most, the quiet one among them.
        package var histories: Int
        /// For all cases together.
        package var time: Duration?

        package init(histories: Int = 500, time: Duration? = nil) {
            self.histories = histories
            self.time = time
        }
    }

    /// What became of one case.
    package struct Result: Sendable {
        package var test: TestCase
        /// Histories that were played, the quiet one among them, up to the one that broke.
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
        /// Another case was broken in the same place before: this one is not reduced.
        package var isKnown = false

        /// Steps and disturbances.
        package var events: Int { test.steps.count + disturbances.count }
    }

    /// One case on its way through its histories.
    private struct Course: Sendable {
        let number: Int
        let test: TestCase
        let quiet: CaseOutcome
        var plan: TorturePlan
        var result: Result
        var isOver = false

        init(_ number: Int, _ quiet: CaseOutcome, seed: UInt64) {
            self.number = number
            test = quiet.test
            self.quiet = quiet
            plan = TorturePlan(quiet.course, seed: seed)
            result = Result(test: test, histories: 1, singles: plan.singles.count, isExhaustive: plan.singles.isEmpty)
            guard !quiet.isPassed else { return }
            result.quiet = quiet
            isOver = true
        }

        var hasBroken: Bool { result.breach != nil || result.quiet != nil }
    }

    let suite: TestSuite
    let seed: UInt64
    let budget: Budget
    let places: Int

    /// Histories of one case between those of the others.
    private static let share = 8

    package init(_ suite: TestSuite, seed: UInt64, budget: Budget, places: Int) {
        self.suite = suite
        self.seed = seed
        self.budget = budget
        self.places = places
    }

    /// `onBreach` is told of each case as it breaks, `onProgress` the number of histories played and planned.
    ///
    /// - Returns: What became of each, in the order of `tests`.
    package func run(
        _ tests: [TestCase],
        onBreach: (Result) -> Void = { _ in },
        onProgress: @Sendable (Int, Int) -> Void = { _, _ in }
    ) async -> [Result] {
        let start = ContinuousClock.now
        let quiet = await inParallel(Array(tests.enumerated()), places: places) { number, test in
            await suite.play(test.aboutEndsAlone, seed: seed, folder: "quiet-\(number)")
        }
        var courses = quiet.enumerated().map { Course($0, $1, seed: seed) }
        for course in courses where course.hasBroken { onBreach(course.result) }
        for isAboutPairs in [false, true] {
            // What a single disturbance breaks is to be mended first.
            if isAboutPairs, courses.contains(where: \.hasBroken) { break }
            while let round = nextRound(&courses, isAboutPairs) {
                if let time = budget.time, ContinuousClock.now - start > time { return courses.map(\.result) }
                await play(round, &courses, onBreach)
                let left = courses.filter { !$0.isOver }.map { isAboutPairs ? pairsLeft(of: $0) : $0.plan.singlesLeft }
                let played = courses.map(\.result.histories).reduce(0, +)
                onProgress(played, played + left.reduce(0, +))
            }
        }
        return courses.map(\.result)
    }

    // MARK: Rounds

    private struct History: Sendable {
        var course: Int
        /// In the order of the case's plan.
        var number: Int
        var disturbances: [Disturbance]
    }

    private func pairsLeft(of course: Course) -> Int {
        max(0, min(budget.histories, 1 + course.plan.singles.count + course.plan.pairs) - course.result.histories)
    }

    /// The next few histories of each case that goes on; nil: there are none.
    private func nextRound(_ courses: inout [Course], _ isAboutPairs: Bool) -> [History]? {
        var round: [History] = []
        for index in courses.indices where !courses[index].isOver {
            var number = courses[index].result.histories
            let share = isAboutPairs ? Self.share : min(Self.share, courses[index].plan.singlesLeft)
            for _ in 0..<share where number < budget.histories {
                guard let disturbances = courses[index].plan.next() else { break }
                number += 1
                round.append(History(course: index, number: number, disturbances: disturbances))
            }
        }
        return round.isEmpty ? nil : round
    }

    private func play(_ round: [History], _ courses: inout [Course], _ onBreach: (Result) -> Void) async {
        let tests = courses.map(\.test)
        let outcomes = await inParallel(round, places: places) { history in
            await suite.play(
                tests[history.course],
                disturbed: history.disturbances,
                seed: seed,
                folder: "history-\(history.course)-\(history.number)"
            )
        }
        // The first of the list, not the first to end: the same seed finds the same.
        for (history, outcome) in zip(round, outcomes) where !courses[history.course].isOver {
            courses[history.course].result.histories = history.number
            courses[history.course].result.isExhaustive = history.number > courses[history.course].result.singles
            let verdict = Verdict(history.disturbances, courses[history.course].quiet.course)
            guard let problem = verdict.breach(in: outcome) else { continue }
            var breach = Breach(
                test: tests[history.course],
                disturbances: history.disturbances,
                outcome: outcome,
                problem: problem
            )
            breach.isKnown = courses.contains { $0.result.breach?.problem.range == problem.range }
            if !breach.isKnown { breach = await TortureReduction(self).reduce(breach) }
            courses[history.course].result.breach = breach
            courses[history.course].isOver = true
            onBreach(courses[history.course].result)
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
