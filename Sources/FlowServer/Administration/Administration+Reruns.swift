package import Expressions
package import FlowEngine
import FlowLanguage

/// A run that is to be done again.
package struct RerunOrder: Sendable, Hashable {
    package var start: RerunStart
    /// In place of the run's own; nil: the same.
    package var input: ValueMap?
    /// Whether to do it; else only what it would do again is told.
    package var isConfirmed: Bool

    package init(start: RerunStart, input: ValueMap? = nil, isConfirmed: Bool = false) {
        self.start = start
        self.input = input
        self.isConfirmed = isConfirmed
    }
}

/// What became of a rerun: its plan, and the new run when there is one.
package struct RerunOutcome: Sendable, Hashable {
    package var plan: RerunPlan
    package var run: RunID?
}

extension Administration {
    package func rerun(_ run: RunID, _ order: RerunOrder) async throws(AdministrationError) -> RerunOutcome {
        guard let engine else { throw AdministrationError(.unavailable, "no engine is at hand") }
        do throws(EngineError) {
            let plan = try await engine.planRerun(of: run, from: order.start)
            // With nothing to repeat there is nothing to confirm.
            guard order.isConfirmed || plan.repeats.isEmpty else { return RerunOutcome(plan: plan, run: nil) }
            return RerunOutcome(plan: plan, run: try await engine.rerun(run, from: order.start, input: order.input))
        } catch {
            throw AdministrationError(error)
        }
    }
}

extension RerunOrder {
    /// The form of `POST /admin/runs/<id>/rerun`.
    var value: Value {
        var map: ValueMap = ["confirmed": .bool(isConfirmed)]
        map["input"] = input.map(Value.map)
        switch start {
        case .beginning: break
        case .block(let path): map["from"] = .string(path.rawValue)
        case .failure: map["fromFailure"] = true
        }
        return .map(map)
    }

    init(_ value: Value) throws(AdministrationError) {
        let members = try Members(value)
        let start: RerunStart =
            if let path = members.optional("from")?.stringValue {
                .block(BlockPath(path))
            } else {
                members.optional("fromFailure")?.boolValue == true ? .failure : .beginning
            }
        self.init(
            start: start,
            input: try members.optional("input").map { (value) throws(AdministrationError) in try Members(value).map },
            isConfirmed: members.optional("confirmed")?.boolValue ?? false
        )
    }
}

extension RerunOutcome {
    /// The answer to `POST /admin/runs/<id>/rerun`, and the form of `--json`.
    package var value: Value {
        let repeats = plan.repeats.map { effect -> Value in
            [
                "path": .string(effect.path.rawValue), "visit": .int(Int64(effect.visit)),
                "block": .string(effect.block), "what": .string(effect.what),
            ]
        }
        var map: ValueMap = [
            "of": .int(plan.run.rawValue), "flow": .string(plan.flow), "kept": .int(Int64(plan.kept)),
            "repeats": .list(repeats),
        ]
        if plan.furtherRepeats > 0 { map["furtherRepeats"] = .int(Int64(plan.furtherRepeats)) }
        map["run"] = run.map { .int($0.rawValue) }
        return .map(map)
    }

    init(_ value: Value) throws(AdministrationError) {
        let members = try Members(value)
        var repeats: [RerunPlan.Effect] = []
        for effect in try members.list("repeats") {
            let parts = try Members(effect)
            repeats.append(
                RerunPlan.Effect(
                    path: BlockPath(try parts.string("path")),
                    visit: Int(try parts.int("visit")),
                    block: try parts.string("block"),
                    what: try parts.string("what")
                )
            )
        }
        let plan = RerunPlan(
            run: RunID(try members.int("of")),
            flow: try members.string("flow"),
            kept: Int(try members.int("kept")),
            repeats: repeats,
            furtherRepeats: members.optional("furtherRepeats")?.intValue.map { Int($0) } ?? 0
        )
        self.init(plan: plan, run: members.optional("run")?.intValue.map { RunID($0) })
    }

    /// What it does or would do again, one line each; empty when that is nothing.
    package var lines: [String] {
        let listed = plan.repeats.map { effect in
            let visit = effect.visit > 1 ? " (visit \(effect.visit))" : ""
            return "  \(effect.path)\(visit)  \(effect.block)  \(effect.what)"
        }
        return plan.furtherRepeats > 0 ? listed + ["  and \(plan.furtherRepeats) more"] : listed
    }
}
