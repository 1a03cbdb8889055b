import Expressions

// The turns of a loop, each of which begins with the variables as the one before it left them.
extension FlowCompiler {
    /// What compiling one turn of a loop gave.
    struct Turn {
        /// The condition of `while`, which each turn asks; nil for `for-each`.
        var head: PlacedExpression?
        var entry: NodeIndex?
        var collect: (template: ValueTemplate, type: ExpressionType)?
        /// What is known at its end.
        var after: FlowState
    }

    /// Compiles what a loop goes through, or the condition of its turns.
    func compileHead(_ loop: LoopSource, _ scope: ExpressionScope) -> PlacedExpression? {
        let expected: ExpressionType = loop.name == nil ? .bool : .list(.dynamic)
        let what = loop.name == nil ? "'while'" : "'each'"
        return loop.head.flatMap {
            ExpressionCompiler(context).bare($0, what: what, scope: scope, expected: expected)
        }
    }

    /// Compiles a turn that begins where `before` is known.
    func compileTurn(_ loop: LoopSource, _ block: BlockSource, end: NodeIndex, from before: FlowState) -> Turn {
        var turn = Turn(after: before)
        if loop.name == nil {
            turn.head = compileHead(loop, scopes.scope(before, order: block.order, inFail: isInHandler))
        }
        let barrier = loop.name == nil ? Barrier.turns : .loop
        turn.entry = compile(loop.body, continuation: end, state: &turn.after, barrier: barrier)
        noteFailure(turn.after)
        if let node = loop.collect {
            let known = turn.after.isReachable ? turn.after : before
            let inner = scopes.scope(known, order: Int.max, inFail: isInHandler)
            turn.collect = TemplateCompiler(context, scope: inner).compile(node, .collected)
        }
        return turn
    }

    /// Compiles further turns while one leaves a variable as something else than the turns before it began with, and
    /// tells what is sure to fail in them; gives what is known behind all turns.
    ///
    /// What is drawn stays as the first turn drew it. A variable that a turn leaves as any value is not followed: it may
    /// be what it was.
    func checkLaterTurns(
        _ loop: LoopSource,
        _ block: BlockSource,
        _ place: FlowLayout.Place,
        end: NodeIndex,
        from before: FlowState,
        left first: FlowState
    ) -> FlowState {
        var (left, known) = (first, first)
        var met: Set<[String: String]> = []
        let body = place.inside..<end.rawValue
        while left.isReachable {
            var entering = before
            var changed: [String: String] = [:]
            for (name, began) in before.variables {
                guard let now = left.variables[name], let kind = Self.kind(now.type), let other = Self.kind(began.type),
                    kind != other, now.type != .null
                else { continue }
                entering.variables[name]?.type = now.type
                changed[name] = kind
            }
            guard !changed.isEmpty, met.insert(changed).inserted, roomForTurns > body.count else { break }
            roomForTurns -= body.count + 1
            let drawn = (Array(nodes[body]), code.count, finals.count, callbackHandlers)
            let found = context.findings.apart {
                left = compileTurn(loop, block, end: end, from: entering).after
            }
            nodes.replaceSubrange(body, with: drawn.0)
            code.removeLast(code.count - drawn.1)
            finals.removeLast(finals.count - drawn.2)
            callbackHandlers = drawn.3
            for finding in found { tell(finding, of: changed) }
            known = known.merged(with: left)
        }
        return known
    }

    /// Passes on what was found in a later turn, if it is sure to fail there and was not found in an earlier one.
    private func tell(_ finding: Diagnostic, of changed: [String: String]) {
        let (range, findings) = (finding.range, context.findings)
        guard !findings.diagnostics.contains(where: { $0.severity == .error && $0.range == range }) else { return }
        if finding.code == FindingCode.loopVariable.rawValue {
            return findings.add(finding.severity, finding.code, finding.message, range, finding.notes)
        }
        let offsets = range.start.offset..<range.end.offset
        guard finding.severity == .error, Self.sureFailures.contains(finding.code),
            !Self.comparisons.contains(context.text.text(offsets))
        else { return }
        let line = context.text.text(context.text.line(range.start.line - 1))
        let named = changed.filter { line.contains("vars.\($0.key)") || line.contains("vars.?\($0.key)") }
        let shown = (named.isEmpty ? changed : named).sorted { $0.key < $1.key }
            .map { "'vars.\($0.key)' is \($0.value)" }
        findings.add(
            .error,
            FindingCode.loopVariable.rawValue,
            "in a later turn of the loop \(shown.joined(separator: ", ")): \(finding.message)",
            range,
            ["set it to the same type on each way, or call what the loop sets something else"]
        )
    }

    /// What values of a type are, as far as values of two kinds have no operators in common; nil when it may be any.
    private static func kind(_ type: ExpressionType) -> String? {
        switch type.plain {
        case .dynamic: nil
        case .list: TypeRules.name(.list(.dynamic))
        case .map, .record: TypeRules.name(.map(.string, .dynamic))
        case .optional: "an optional"
        case let plain: TypeRules.name(plain)
        }
    }

    /// What of the checker's findings a value of the wrong type makes, and only such a one.
    private static let sureFailures: Set<String> = [
        "expression.type-mismatch", "expression.no-overload", "expression.no-fields",
        FindingCode.typeMismatch.rawValue, FindingCode.textValue.rawValue,
    ]

    /// Values of two types are not equal, and none lies in a list of others: that may be meant, and fails no run.
    private static let comparisons: Set<String> = ["==", "!=", "in"]
}
