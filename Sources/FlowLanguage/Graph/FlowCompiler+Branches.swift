import Expressions

// Lists that go on beside each other. Each is a run of its own, which begins with what is known here: what fails in it
// fails that run, what it sets is its own, and what it gives is handed on when it ends.
extension FlowCompiler {
    func compileParallel(
        _ parallel: ParallelSource,
        _ block: BlockSource,
        _ place: FlowLayout.Place,
        next: NodeIndex?,
        _ body: inout Body
    ) {
        let before = body.state
        let rule = parallel.onFailure?.value ?? .stop
        // Behind `join: all` every branch has come to its end.
        let isSure = parallel.join == .all && rule == .stop
        var fields: [String: RecordType.Field] = [:]
        var lists: [BranchesBlock.List] = []
        var ends = 0
        for (number, (branch, laid)) in zip(parallel.branches, place.branches).enumerated() {
            var state = before
            let entry = compileApart(branch.body, continuation: laid.end, state: &state)
            ends += state.isReachable ? 1 : 0
            let type = ExpressionType.record(output(of: branch.name.value, ids: laid.ids, state))
            fields[branch.name.value] = .init(
                type,
                presence: isSure ? .always : .sometimes,
                note: isSure ? nil : "the branch '\(branch.name.value)' may have failed or lost"
            )
            lists.append(BranchesBlock.List(name: branch.name.value, entry: entry ?? laid.end, ids: laid.ids))
            addEnd(laid.end, number, block, place, next: next)
        }
        body.state = before
        let isReachable = parallel.join == .first ? ends > 0 : ends == lists.count || rule == .continue
        if !isReachable, !lists.isEmpty { body.state = .unreachable }
        if parallel.join == .first { fields["first"] = .init(.string) }
        if rule == .continue { fields["failures"] = .init(.list(.record(Self.failure("branch", .string)))) }
        body.output = .record(RecordType(name: "parallel", fields: fields))
        body.action = .beginBranches(BranchesBlock(content: .lists(lists), join: parallel.join, onFailure: rule))
    }

    /// Compiles a `for-each` whose turns go on beside each other.
    func compileTurns(
        _ loop: LoopSource,
        _ block: BlockSource,
        _ place: FlowLayout.Place,
        next: NodeIndex?,
        _ scope: ExpressionScope,
        _ body: inout Body
    ) {
        guard let end = place.end, let name = loop.name else { return }
        let before = body.state
        let rule = loop.onFailure?.value ?? .stop
        let head = loop.head.flatMap {
            ExpressionCompiler(context).bare($0, what: "'each'", scope: scope, expected: .list(.dynamic))
        }
        var element = ExpressionType.dynamic
        if case .list(let type)? = head?.expression.type { element = type }
        if isFree(name) {
            scopes.items.append((name.value, element))
        } else {
            scopes.items.append(("unnamed", .dynamic))
        }
        loops.append(place.index)
        var after = before
        let entry = compileApart(loop.body, continuation: end, state: &after)
        var collect: (template: ValueTemplate, type: ExpressionType)?
        if let node = loop.collect {
            let inner = scopes.scope(after.isReachable ? after : before, order: Int.max, inFail: isInHandler)
            collect = TemplateCompiler(context, scope: inner).compile(node, .collected)
        }
        addEnd(end, 0, block, place, next: next)
        scopes.items.removeLast()
        loops.removeLast()
        body.state = before
        var fields: [String: RecordType.Field] = ["count": .init(.int)]
        // A turn that failed hands on null.
        if let collect { fields["items"] = .init(.list(rule == .stop ? collect.type : .dynamic)) }
        if rule == .continue { fields["failures"] = .init(.list(.record(Self.failure("index", .int)))) }
        body.output = .record(RecordType(name: block.word.value, fields: fields))
        guard let head else { return }
        let items = BranchesBlock.Items(
            head: head.expression,
            entry: entry ?? end,
            collect: collect?.template,
            name: name.value,
            concurrency: loop.concurrency ?? 1
        )
        body.action = .beginBranches(BranchesBlock(content: .items(items), join: .all, onFailure: rule))
    }

    /// What of a branch that failed is told.
    private static func failure(_ name: String, _ type: ExpressionType) -> RecordType {
        RecordType(name: "failure", fields: [name: .init(type), "error": .init(.record(ScopeBuilder.error))])
    }

    /// Compiles a list that goes on in a run of its own.
    ///
    /// Nothing around it handles its failures or measures its time there: the run that waits for it does.
    private func compileApart(_ list: BlockList, continuation: NodeIndex, state: inout FlowState) -> NodeIndex? {
        let outer = (failureTarget, handler, timed)
        defer { (failureTarget, handler, timed) = outer }
        (failureTarget, handler, timed) = (.propagates, nil, [])
        failedStates.append(state)
        branched.append(state)
        defer {
            failedStates.removeLast()
            branched.removeLast()
        }
        return compile(list, continuation: continuation, state: &state, barrier: .branch)
    }

    private func output(of name: String, ids: [String], _ state: FlowState) -> RecordType {
        var fields: [String: RecordType.Field] = [:]
        for id in ids {
            guard let assignment = state.blocks[id] else { continue }
            fields[id] = .init(
                assignment.type,
                presence: assignment.isCertain ? .always : .sometimes,
                note: assignment.note
            )
        }
        return RecordType(name: name, fields: fields)
    }

    private func addEnd(
        _ end: NodeIndex,
        _ number: Int,
        _ block: BlockSource,
        _ place: FlowLayout.Place,
        next: NodeIndex?
    ) {
        var node = Node(
            index: end,
            path: BlockPath(place.path),
            action: .endBranch(begin: place.index, number: number),
            next: next,
            range: context.text.range(block.word.range)
        )
        node.handled = handled.last
        node.loops = loops
        nodes[end.rawValue] = node
    }

    // MARK: What has no place in a branch

    func checkBranch(_ block: BlockSource) {
        guard !branched.isEmpty else { return }
        switch block.body {
        case .respond:
            context.error(
                .branchBlock,
                "'respond' cannot stand in a branch: which one answers would be a matter of chance",
                at: block.word.range,
                notes: ["respond behind the block, with what the branches gave"]
            )
        case .callbackHandler:
            context.error(
                .branchBlock,
                "'callback-handler' cannot stand in a branch: the callback is the whole run's",
                at: block.word.range,
                notes: ["ask it before the block"]
            )
        default: break
        }
    }

    /// A variable of the flow that a branch sets would stay as it was, without a word.
    func checkBranchVariable(_ pair: YAMLPair) {
        guard branched.contains(where: { $0.variables[pair.name] != nil }) else { return }
        context.error(
            .branchVariable,
            "the branch would set a copy of 'vars.\(pair.name)', which ends with it",
            at: pair.key.range,
            notes: ["use another name inside; what the block gives hands results on"]
        )
    }
}
