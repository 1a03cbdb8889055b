import Expressions

extension FlowCompiler {
    /// Compiles `try`: failures are edges of the graph, so the interpreter needs no stack of handlers.
    ///
    /// Failures inside `do` lead to the node that chooses a catch; those inside a catch, and those that no catch takes,
    /// to one that holds them until `finally` is over; those inside `finally` go on at once.
    func compileTry(
        _ attempt: TrySource,
        _ block: BlockSource,
        _ place: FlowLayout.Place,
        next: NodeIndex?,
        _ body: inout Body
    ) {
        guard let handler = place.handler, let end = place.end else { return }
        let outer = (failureTarget, self.handler)
        defer { (failureTarget, self.handler) = outer }
        let leaving = attempt.finally?.blocks.first.flatMap { index(of: $0) } ?? end
        let barrier: Barrier? = attempt.finally == nil ? nil : .finally
        var after = body.state
        if block.fail != nil { failedStates.append(after) }
        failedStates.append(after)
        failureTarget = .handled(handler.catching)
        self.handler = place.index
        let entry = compile(attempt.body, continuation: leaving, state: &after, barrier: barrier)
        let failed = failedStates.removeLast()

        failedStates.append(failed)
        failureTarget = .handled(handler.holding)
        self.handler = nil
        handled.append(place.index)
        let branches = compileCatches(attempt.catches, block, leaving, failed, barrier, &after)
        handled.removeLast()
        let uncaught = failedStates.removeLast()
        noteFailure(uncaught)

        if let finally = attempt.finally {
            failureTarget = .handled(handler.rethrowing)
            let entering = after.merged(with: uncaught)
            var left = entering
            _ = compile(finally, continuation: end, state: &left, barrier: .finally)
            after = after.passing(from: entering, to: left)
            noteFailure(uncaught.passing(from: entering, to: left))
            if !finally.blocks.isEmpty { finals.append(Self.places(of: handler, place, end: end)) }
        }
        // The block's own 'fail' handles what the catches and 'finally' leave.
        if block.fail != nil { body.failed = failedStates.removeLast() }
        body.state = after
        body.action = .beginTry(body: entry ?? leaving)
        let range = context.text.range(block.word.range)
        func add(_ index: NodeIndex, _ name: String, _ action: BlockAction, next: NodeIndex?) -> Node {
            Node(index: index, path: BlockPath(place.path + name), action: action, next: next, range: range)
        }
        let choice = BranchBlock(branches: branches)
        var catching = add(handler.catching, "/catch", .chooseCatch(choice, uncaught: handler.holding), next: leaving)
        catching.failure = .handled(handler.holding)
        catching.handled = place.index
        catching.loops = loops
        nodes[handler.catching.rawValue] = catching
        nodes[handler.holding.rawValue] = add(handler.holding, "", .holdFailure(of: place.index), next: leaving)
        // These two fail as the block itself does.
        body.chain = [
            add(end, "", .endTry(begin: place.index), next: next),
            add(handler.rethrowing, "", .rethrow, next: next),
        ]
    }

    private static func places(
        of handler: FlowLayout.Handler,
        _ place: FlowLayout.Place,
        end: NodeIndex
    ) -> FlowGraph.Finally {
        FlowGraph.Finally(
            begin: place.index,
            guarded: place.inside..<handler.holding.rawValue,
            list: handler.holding.rawValue..<end.rawValue
        )
    }

    private func compileCatches(
        _ catches: [BranchSource],
        _ block: BlockSource,
        _ leaving: NodeIndex,
        _ failed: FlowState,
        _ barrier: Barrier?,
        _ after: inout FlowState
    ) -> [BranchBlock.Branch] {
        let scope = scopes.scope(failed, order: block.order, inFail: true)
        var branches: [BranchBlock.Branch] = []
        for item in catches {
            let when = item.when.flatMap {
                ExpressionCompiler(context).bare($0, what: "'when'", scope: scope, expected: .bool)
            }
            var state = failed
            let entry = compile(item.body, continuation: leaving, state: &state, barrier: barrier)
            after = after.merged(with: state)
            branches.append(BranchBlock.Branch(when: when?.expression, entry: entry))
        }
        return branches
    }

    /// A block may fail where `state` is known.
    func noteFailure(_ state: FlowState) {
        guard let last = failedStates.indices.last else { return }
        failedStates[last] = failedStates[last].merged(with: state)
    }
}
