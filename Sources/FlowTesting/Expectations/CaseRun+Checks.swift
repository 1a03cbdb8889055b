import Expressions
import FlowEngine
import FlowLanguage

// What must hold after a step and at the end.
extension CaseRun {
    func check(_ step: CaseStep, _ result: StepResult) async throws {
        let number = (test.steps.firstIndex { $0.range == step.range } ?? 0) + 1
        if !step.expectation.isEmpty {
            try await look()
            scope[.status] = .int(Int64(result.status))
            scope[.output] = result.output
            scope[.error] = result.error
            scope[.path] = .list(result.path.map(Value.string))
            let found = problems(with: step.expectation, actual: result.value)
            if !found.isEmpty { hasLeftItsCourse = true }
            note(found, afterStep: number)
        } else if result.status >= 400 {
            // A step that says nothing is one that is meant to work, unless the case is about what disturbs it.
            hasLeftItsCourse = true
            guard test.disturbances.isEmpty else { return try await checkInvariants(after: number) }
            let problem = CaseProblem(
                .value,
                "status",
                expected: "a step that works",
                actual: result.summary,
                range: step.range
            )
            note([problem], afterStep: number)
        }
        try await checkInvariants(after: number)
    }

    /// The end: what the case expects of everything that there is.
    func check(_ record: CaseRecord) {
        look(at: record)
        note(problems(with: test.expectation, actual: record.value), afterStep: nil)
        noteLeftovers(record)
        noteFailures(record)
        for request in world.answers.refused {
            problems.append(
                CaseProblem(
                    .refused,
                    "\(request.connection): \(request.method) \(request.path)",
                    expected: "an answer given for it",
                    actual: "none: the request did not leave (see `given: answers:`)",
                    range: test.range
                )
            )
        }
    }

    /// A run that neither ends nor waits for anything, and one that the engine could not take up again.
    private func noteLeftovers(_ record: CaseRecord) {
        for run in record.runs {
            let status = run.record.status
            let code = run.record.failure?.code ?? ""
            let isStuck = status == .running || (status == .queued && run.record.start.lane == nil)
            guard isStuck || code == "nondeterminism" || code.hasPrefix("engine_") else { continue }
            problems.append(
                CaseProblem(
                    .error,
                    "run \(run.record.id) of \(run.record.start.flow)",
                    expected: "to come to an end",
                    actual: run.record.failure.map { "\($0.code): \($0.message)" } ?? status.rawValue,
                    range: test.range
                )
            )
        }
    }

    /// Runs that nobody waited for and that failed, without a word about that in the case: a step that says nothing is
    /// meant to work, and so is what it sets going.
    ///
    /// Only in a quiet world: what is disturbed may fail.
    private func noteFailures(_ record: CaseRecord) {
        let expectations = test.steps.map(\.expectation) + [test.expectation]
        guard plan.isQuiet, !expectations.contains(where: \.tellsHowRunsEnd) else { return }
        for run in record.runs where [.failed, .quarantined, .outcomeUnknown].contains(run.record.status) {
            let start = run.record.start
            let isAlone =
                switch start.origin {
                case .callback, .schedule, .table: true
                case .subflow: start.parent == nil
                case .webhook: hasAnsweredAtOnce(start.flow)
                case .page, .manual, .branch: false
                }
            guard isAlone else { continue }
            problems.append(
                CaseProblem(
                    .failure,
                    "run \(run.record.id) of \(start.flow)",
                    expected: "to succeed; or its `status` in `expect: runs:`",
                    actual: run.record.failure.map { "\($0.code): \($0.message)" } ?? run.record.status.rawValue,
                    range: test.range
                )
            )
        }
    }

    private func hasAnsweredAtOnce(_ flow: String) -> Bool {
        if case .webhook(let hook) = app.flows[flow]?.trigger { hook.answer == .atOnce } else { false }
    }

    func checkInvariants(after step: Int?) async throws {
        guard test.checksInvariants, !app.invariants.isEmpty else { return }
        let tables = try await tables()
        for invariant in app.invariants {
            let expression = invariant.expression
            let verdict: String
            do {
                if try expression.evaluate(in: Bindings([.map(tables)])).boolValue == true { continue }
                let facts = facts(of: expression) { $0 == "tables" ? .map(tables) : nil }
                verdict = (["false"] + facts).joined(separator: "; ")
            } catch {
                verdict = "cannot be evaluated: \(error.message)"
            }
            // Told once: what is broken stays broken.
            guard !problems.contains(where: { $0.kind == .invariant && $0.range == invariant.range }) else { continue }
            problems.append(
                CaseProblem(
                    .invariant,
                    expression.text.briefly,
                    expected: "to hold at all times",
                    actual: verdict,
                    range: invariant.range,
                    step: step
                )
            )
        }
    }

    private func note(_ found: [CaseProblem], afterStep step: Int?) {
        for problem in found {
            var problem = problem
            problem.step = step
            problems.append(problem)
        }
    }

    private func look() async throws { look(at: try await record()) }

    private func look(at record: CaseRecord) {
        let value = record.value
        for slot in [CaseSlot.tables, .runs, .requests, .emails, .log] { scope[slot] = value[slot.name] }
        scope[.steps] = .map(results)
        scope[.now] = .timestamp(world.clock.now())
    }

    private func problems(with expectation: CaseExpectation, actual: Value) -> [CaseProblem] {
        var comparison = Comparison(scope)
        if let value = expectation.value { comparison.compare(value, with: actual) }
        return comparison.problems + expectation.conditions.compactMap(problem)
    }

    private func problem(with condition: PlacedExpression) -> CaseProblem? {
        let actual: String
        do throws(CaseFault) {
            let value = try scope.evaluate(condition)
            if value == .bool(true) { return nil }
            let facts = facts(of: condition.expression) { [scope] name in
                CaseSlot.allCases.first { $0.name == name }.flatMap { scope[$0] }
            }
            actual = ([value.brief()] + facts).joined(separator: "; ")
        } catch {
            actual = error.message
        }
        return CaseProblem(
            .condition,
            condition.expression.text.briefly,
            expected: "true",
            actual: actual,
            range: condition.range
        )
    }

    /// What the expression names, with its present value.
    private func facts(of expression: Expression, _ lookUp: (String) -> Value?) -> [String] {
        var seen: Set<[String]> = []
        return expression.references.prefix(8).compactMap { reference in
            guard seen.insert(reference.path).inserted, let name = reference.path.first, var value = lookUp(name) else {
                return nil
            }
            var shown = name
            for part in reference.path.dropFirst() {
                guard let next = value[part] else { break }
                value = next
                shown += "." + part
            }
            return "\(shown) is \(value.brief(120))"
        }
    }
}

extension CaseExpectation {
    /// Whether it speaks of how runs end, so that their failures may be meant.
    fileprivate var tellsHowRunsEnd: Bool {
        if conditions.contains(where: { $0.expression.references.contains { $0.path.first == "runs" } }) { return true }
        guard case .map(let members)? = value?.content, let runs = members.first(where: { $0.name == "runs" }),
            case .list(let items) = runs.value.content
        else { return false }
        return items.contains { item in
            guard case .map(let parts) = item.content else { return false }
            return parts.contains { $0.name == "status" || $0.name == "error" }
        }
    }
}
