import FlowLanguage

/// Makes a history that breaks a case smaller, as long as it breaks it in the same way.
struct TortureReduction: Sendable {
    private let torture: Torture
    /// Histories that one reduction may play.
    private static let attemptsMax = 400

    init(_ torture: Torture) { self.torture = torture }

    func reduce(_ breach: Torture.Breach) async -> Torture.Breach {
        var state = State(breach: breach)
        await dropDisturbances(&state)
        if breach.problem.kind == .invariant || breach.problem.kind == .error {
            // What the case expects in the end is of no matter any more.
            var test = state.breach.test
            test.expectation = CaseExpectation()
            test.parts.expect = nil
            if let smaller = await attempt(test, state.breach.disturbances, &state) { state.breach = smaller }
        }
        var isShrinking = true
        while isShrinking {
            isShrinking = false
            // From the end: later steps build on earlier ones.
            for index in state.breach.test.steps.indices.reversed() {
                var test = state.breach.test
                test.steps.remove(at: index)
                guard let smaller = await attempt(withoutStep: test, &state) else { continue }
                state.breach = smaller
                isShrinking = true
                break
            }
        }
        await dropDisturbances(&state)
        return state.breach
    }

    private struct State {
        var breach: Torture.Breach
        var attempts = 0
    }

    private func dropDisturbances(_ state: inout State) async {
        for index in state.breach.disturbances.indices.reversed() where state.breach.disturbances.count > 1 {
            var fewer = state.breach.disturbances
            fewer.remove(at: index)
            if let smaller = await attempt(state.breach.test, fewer, &state) { state.breach = smaller }
        }
    }

    /// Plays what is left; numbers may have moved with the step, so the like of each disturbance is tried too.
    private func attempt(withoutStep test: TestCase, _ state: inout State) async -> Torture.Breach? {
        let quiet = await play(test, [], &state)
        guard let quiet, quiet.isPassed else { return nil }
        let disturbances = state.breach.disturbances
        if let found = await attempt(test, disturbances, &state, quiet: quiet) { return found }
        guard disturbances.count == 1, let only = disturbances.first else { return nil }
        for other in TorturePlan.singles(quiet.course) where other.isLike(only) && other != only {
            if let found = await attempt(test, [other], &state, quiet: quiet) { return found }
        }
        return nil
    }

    /// The breach, if these disturbances break the case in the same way and it passes without them.
    private func attempt(
        _ test: TestCase,
        _ disturbances: [Disturbance],
        _ state: inout State,
        quiet known: CaseOutcome? = nil
    ) async -> Torture.Breach? {
        let quiet: CaseOutcome
        if let known {
            quiet = known
        } else {
            guard let played = await play(test, [], &state), played.isPassed else { return nil }
            quiet = played
        }
        guard let outcome = await play(test, disturbances, &state),
            let problem = Verdict(disturbances, quiet.course).breach(in: outcome),
            problem.kind == state.breach.problem.kind, problem.range == state.breach.problem.range
        else { return nil }
        return Torture.Breach(test: test, disturbances: disturbances, outcome: outcome, problem: problem)
    }

    private func play(_ test: TestCase, _ history: [Disturbance], _ state: inout State) async -> CaseOutcome? {
        guard state.attempts < Self.attemptsMax else { return nil }
        state.attempts += 1
        return await torture.suite.play(
            test,
            disturbed: history,
            seed: torture.seed,
            folder: "reduction-\(state.attempts)"
        )
    }
}

extension Disturbance {
    /// The same kind of trouble at another place.
    fileprivate func isLike(_ other: Disturbance) -> Bool {
        switch (self, other) {
        case (.twice(let one), .twice(let two)): one.type == two.type
        case (.late(let one, _), .late(let two, _)): one.type == two.type
        case (.together(let one, let with, let isInterleaved), .together(let two, let otherWith, let isOther)):
            one.type == two.type && with.type == otherWith.type && isInterleaved == isOther
        case (.trouble(_, let one), .trouble(_, let two)): one == two
        case (.kill(_, let one), .kill(_, let two)): one == two
        default: false
        }
    }
}
