import Capsules
import FlowEngine
import FlowLanguage

/// Puts in the place of a `capsule` step what the capsule holds: rows, answers, what started its run, and what came
/// of it where the case itself expects nothing.
struct CapsuleStep {
    let app: App
    let files: CaseFiles

    /// - Throws: `CaseFault`, at the step, when the capsule cannot be read or does not fit the app.
    func expanded(_ test: TestCase) throws(CaseFault) -> TestCase {
        for (index, step) in test.steps.enumerated() {
            guard case .capsule(let name) = step.action else { continue }
            return Self.merge(try recorded(name, at: step.range), into: test, at: index)
        }
        return test
    }

    private func recorded(_ name: String, at range: SourceRange) throws(CaseFault) -> TestCase {
        guard let bytes = files.read(name) else {
            throw CaseFault(message: "the app has no file '\(name)'", range: range)
        }
        let text: String
        do {
            let capsule = try CapsuleText.decode(bytes)
            let replay = CapsuleReplay()
            let rows = try replay.replay(capsule).outcome.outside
            text = try CaseText(capsule, app: try replay.compiledApp(of: capsule), rows: rows).text()
        } catch {
            throw CaseFault(message: "'\(name)' cannot be played: \(error)", range: range)
        }
        let compilation = CaseCompiler(app: app).compile([SourceFile(path: name, bytes: Array(text.utf8))])
        let misfit = compilation.diagnostics.first { $0.severity == .error }
        guard misfit == nil, let test = compilation.cases.first else {
            let reason = misfit.map { ": \($0.message)" } ?? ""
            throw CaseFault(message: "'\(name)' does not fit the app any more\(reason)", range: range)
        }
        return test
    }

    private static func merge(_ recorded: TestCase, into test: TestCase, at index: Int) -> TestCase {
        var test = test
        let given = test.given
        let step = test.steps[index]
        let isSilent = test.expectation.isEmpty && test.steps.allSatisfy(\.expectation.isEmpty)
        test.checksInvariants = test.checksInvariants && recorded.checksInvariants
        if given.clock == GivenState.firstMoment { test.given.clock = recorded.given.clock }
        // What the case says itself goes before what was recorded.
        let named = Set(given.tables.map(\.table))
        test.given.tables = recorded.given.tables.filter { !named.contains($0.table) } + given.tables
        test.given.secrets = recorded.given.secrets.merging(given.secrets) { _, own in own }
        test.given.answers = given.answers + recorded.given.answers
        var steps = recorded.steps
        for number in steps.indices {
            steps[number].range = step.range
            steps[number].extent = step.extent
            steps[number].expectation = steps[number].expectation.moved(to: step.range)
            guard case .page(let flow, let input, nil, let key) = steps[number].action else { continue }
            steps[number].action = .page(flow: flow, input: input, caller: recorded.given.caller, key: key)
        }
        if !steps.isEmpty {
            steps[0].id = step.id
            if !step.expectation.isEmpty { steps[0].expectation = step.expectation }
        }
        test.steps.replaceSubrange(index...index, with: steps)
        if isSilent { test.expectation = recorded.expectation.moved(to: step.range) }
        return test
    }
}

extension CaseExpectation {
    /// As if all of it stood in one place: what a capsule expects stands in no file of the app.
    fileprivate func moved(to range: SourceRange) -> CaseExpectation {
        CaseExpectation(
            value: value?.moved(to: range),
            conditions: conditions.map { condition in
                var condition = condition
                condition.range = range
                return condition
            }
        )
    }
}

extension CaseValue {
    fileprivate func moved(to range: SourceRange) -> CaseValue {
        switch content {
        case .scalar: CaseValue(content, range: range)
        case .list(let items): CaseValue(.list(items.map { $0.moved(to: range) }), range: range)
        case .map(let members):
            CaseValue(.map(members.map { Member(name: $0.name, value: $0.value.moved(to: range)) }), range: range)
        }
    }
}
