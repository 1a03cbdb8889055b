import Expressions

/// What is known at one place of a flow: what has run on every way there, and what on some.
struct FlowState {
    struct Assignment {
        var type: ExpressionType
        /// Assigned on every way here.
        var isCertain: Bool
        /// Why it may be missing.
        var note: String?
    }

    /// False behind `fail` and jumps.
    var isReachable = true
    /// Whether the caller has its answer on every way here.
    var hasResponded = false
    /// Outputs by block id.
    var blocks: [String: Assignment] = [:]
    var variables: [String: Assignment] = [:]

    static let unreachable = FlowState(isReachable: false)

    /// What is known where two ways meet.
    func merged(with other: FlowState) -> FlowState {
        guard isReachable else { return other }
        guard other.isReachable else { return self }
        return FlowState(
            isReachable: true,
            hasResponded: hasResponded && other.hasResponded,
            blocks: Self.merge(blocks, other.blocks) { "'\($0)' may have been skipped on the way here" },
            variables: Self.merge(variables, other.variables) { "'\($0)' may not have been set on the way here" }
        )
    }

    /// What is known here behind a list that also runs on other ways: `entering` and `left` hold for all of them.
    func passing(from entering: FlowState, to left: FlowState) -> FlowState {
        guard isReachable, left.isReachable else { return .unreachable }
        var passed = self
        passed.hasResponded = hasResponded || left.hasResponded
        for (id, assignment) in left.blocks where entering.blocks[id] == nil { passed.blocks[id] = assignment }
        for (name, assignment) in left.variables {
            if assignment.isCertain, entering.variables[name]?.isCertain != true {
                passed.variables[name] = assignment
            } else if let known = passed.variables[name] {
                if known.type != assignment.type { passed.variables[name]?.type = .dynamic }
            } else {
                passed.variables[name] = assignment
            }
        }
        return passed
    }

    private static func merge(
        _ left: [String: Assignment],
        _ right: [String: Assignment],
        note: (String) -> String
    ) -> [String: Assignment] {
        var merged = left
        for (name, assignment) in right {
            guard let known = merged[name] else { continue }
            let isCertain = known.isCertain && assignment.isCertain
            merged[name] = Assignment(
                type: known.type == assignment.type ? known.type : .dynamic,
                isCertain: isCertain,
                note: isCertain ? nil : known.note ?? assignment.note ?? note(name)
            )
        }
        for (name, assignment) in left where right[name] == nil {
            merged[name] = Assignment(type: assignment.type, isCertain: false, note: assignment.note ?? note(name))
        }
        for (name, assignment) in right where left[name] == nil {
            merged[name] = Assignment(type: assignment.type, isCertain: false, note: assignment.note ?? note(name))
        }
        return merged
    }
}

/// What an expression at one place may name.
struct ExpressionScope {
    /// The variables, in the order of `ScopeSlot`; `record` behind them where a row is at hand.
    var declarations: Declarations
    /// Why `error` is not there, if it is not.
    var errorNote: String?
    /// Why `trigger` is not there, if it is not.
    var triggerNote: String?

    /// The same place, with the row of `table` as `record`.
    func with(record table: Table) -> ExpressionScope {
        var scope = self
        scope.declarations.variables.append(.init("record", .record(table.recordType)))
        return scope
    }
}

/// Builds the scopes of one flow.
struct ScopeBuilder {
    /// Where each id of the flow stands.
    let ids: [String: (order: Int, line: Int)]
    let input: ExpressionType
    let trigger: ExpressionType
    let triggerNote: String?
    let run: RecordType
    /// Each id as a field that is not there yet.
    private let later: [String: RecordType.Field]
    /// The current items of the open loops, the outermost first; behind them stands the innermost one's `index`.
    var items: [(name: String, type: ExpressionType)] = []

    init(
        ids: [String: (order: Int, line: Int)],
        input: ExpressionType,
        trigger: (type: ExpressionType, note: String?),
        roles: [String]
    ) {
        self.ids = ids
        self.input = input
        self.trigger = trigger.type
        triggerNote = trigger.note
        run = Self.run(roles: roles)
        var later: [String: RecordType.Field] = [:]
        for (id, place) in ids {
            let note = "'\(id)' runs only after this block (line \(place.line))"
            later[id] = .init(.dynamic, presence: .unavailable, note: note)
        }
        self.later = later
    }

    /// What a flow's expressions see of its run, in an app with these roles.
    static func run(roles: [String]) -> RecordType {
        let role = ExpressionType.string.declared(.init(allowed: roles))
        let caller = RecordType(name: "caller", fields: ["id": .init(nullableText), "roles": .init(.list(role))])
        return RecordType(
            name: "run",
            fields: [
                "id": .init(.int), "flow": .init(.string), "version": .init(.string),
                "mode": .init(.string.declared(.init(allowed: ["test", "live"]))), "startedAt": .init(.timestamp),
                "caller": .init(.record(caller)),
            ]
        )
    }

    /// The records with the headers of a message, whose names are lower-case.
    static let headed: Set<String> = ["trigger", "http-request"]

    private static let nullableText = ExpressionType.string.declared(.init(isNullable: true))

    /// What another side did not give is null.
    static let error = RecordType(
        name: "error",
        fields: [
            "code": .init(.string), "type": .init(.string), "message": .init(.string), "block": .init(.string),
            "retryable": .init(.bool), "status": .init(.int.declared(.init(isNullable: true))),
            "declineCode": .init(nullableText), "param": .init(nullableText), "requestId": .init(nullableText),
        ]
    )

    /// What is known of a run before it is there: its input, its trigger and its caller.
    func startScope() -> ExpressionScope {
        var scope = scope(FlowState(), order: -1, inFail: false)
        var run = run
        for name in ["id", "startedAt"] {
            run.fields[name] = .init(
                .dynamic,
                presence: .unavailable,
                note: "'\(name)' is not known before the run is there"
            )
        }
        scope.declarations.variables[ScopeSlot.run.rawValue] = .init(ScopeSlot.run.name, .record(run))
        return scope
    }

    /// The scope of the block with the number `order`, which may lie inside a `fail` list.
    func scope(_ state: FlowState, order: Int, inFail: Bool) -> ExpressionScope {
        var blocks = RecordType(name: "blocks", fields: later)
        for (id, assignment) in state.blocks {
            let presence: RecordType.Field.Presence = assignment.isCertain ? .always : .sometimes
            blocks.fields[id] = .init(assignment.type, presence: presence, note: assignment.note)
        }
        for (id, place) in ids where place.order <= order && state.blocks[id] == nil {
            blocks.fields[id]?.note =
                place.order == order
                ? "'\(id)' is this block itself"
                : "'\(id)' (line \(place.line)) gives nothing here: it failed, lies on another way, or has no output"
        }
        var variables = RecordType(name: "vars", fields: [:])
        for (name, assignment) in state.variables {
            let presence: RecordType.Field.Presence = assignment.isCertain ? .always : .sometimes
            variables.fields[name] = .init(assignment.type, presence: presence, note: assignment.note)
        }
        var types = ScopeSlot.allCases.map { slot -> Declarations.Variable in
            let type: ExpressionType =
                switch slot {
                case .input: input
                case .trigger: trigger
                case .blocks: .record(blocks)
                case .vars: .record(variables)
                case .error: .record(Self.error)
                case .run: .record(run)
                case .now: .timestamp
                }
            return .init(slot.name, type)
        }
        for item in items { types.append(.init(item.name, item.type)) }
        if !items.isEmpty { types.append(.init("index", .int)) }
        return ExpressionScope(
            declarations: Declarations(variables: types),
            errorNote: inFail ? nil : "'error' is only there inside a 'fail' list",
            triggerNote: triggerNote
        )
    }
}
