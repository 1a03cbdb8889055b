import Expressions

extension FlowCompiler {
    /// Compiles `for-each` and `while`: a head that begins each turn, and a node that ends it.
    ///
    /// A block inside is told apart from turn to turn by its visit, not by its path: the path stays the block's own, and
    /// visits are counted over the whole run, so addresses are unique in loops within loops too.
    func compileLoop(
        _ loop: LoopSource,
        _ block: BlockSource,
        _ place: FlowLayout.Place,
        next: NodeIndex?,
        _ scope: ExpressionScope,
        _ body: inout Body
    ) {
        guard let end = place.end else { return }
        let before = body.state
        let head = loop.name.flatMap { _ in compileHead(loop, scope) }
        var element = ExpressionType.dynamic
        if case .list(let type)? = head?.expression.type { element = type }

        let outer = (failureTarget, handler)
        defer { (failureTarget, handler) = outer }
        if let rethrowing = place.chain.first {
            (failureTarget, handler) = (.handled(rethrowing), nil)
            failedStates.append(before)
        }
        if let name = loop.name {
            if isFree(name) {
                scopes.items.append((name.value, element))
            } else {
                scopes.items.append(("unnamed", .dynamic))
            }
            loops.append(place.index)
        }
        let turn = compileTurn(loop, block, end: end, from: before)
        let left = checkLaterTurns(loop, block, place, end: end, from: before, left: turn.after)
        if place.chain.first != nil {
            var failed = failedStates.removeLast()
            for id in place.ids { failed.blocks[id] = nil }
            body.failed = failed
        }
        let inside = loops
        if loop.name != nil {
            scopes.items.removeLast()
            loops.removeLast()
        }
        // Each turn's blocks are its own; variables stay.
        var after = before.merged(with: left)
        for id in place.ids { after.blocks[id] = nil }
        body.state = after
        var fields: [String: RecordType.Field] = ["count": .init(.int)]
        if let collect = turn.collect { fields["items"] = .init(.list(collect.type)) }
        body.output = .record(RecordType(name: block.word.value, fields: fields))
        guard let head = head ?? turn.head else { return }
        let kind: LoopBlock.Kind = loop.name == nil ? .while(max: loop.max ?? 1) : .each
        var compiled = LoopBlock(kind: kind, head: head.expression, body: turn.entry ?? end, ids: place.ids)
        compiled.jumps = jumps(in: place, before: end)
        compiled.collect = turn.collect?.template
        compiled.item = loop.name?.value
        body.action = .beginLoop(compiled)
        body.chain = ending(of: block, place, at: end, loops: inside, next: next)
    }

    /// The nodes of a loop's body that count jumps backwards; the loop's own stands before its body.
    private func jumps(in place: FlowLayout.Place, before end: NodeIndex) -> [NodeIndex] {
        nodes[place.inside..<end.rawValue].compactMap { node in
            guard let node, case .jumpBack = node.action else { return nil }
            return node.index
        }
    }

    /// What stands behind the body: the node that ends a turn, and the one that a failure of the body comes to.
    private func ending(
        of block: BlockSource,
        _ place: FlowLayout.Place,
        at end: NodeIndex,
        loops: [NodeIndex],
        next: NodeIndex?
    ) -> [Node] {
        let path = BlockPath(place.path)
        let range = context.text.range(block.word.range)
        var chain = [Node(index: end, path: path, action: .endTurn(begin: place.index), next: next, range: range)]
        chain[0].loops = loops
        if let rethrowing = place.chain.first {
            chain.append(Node(index: rethrowing, path: path, action: .rethrow, next: next, range: range))
        }
        return chain
    }

    /// Whether the current item can be called so; if not, a finding.
    func isFree(_ name: Located<String>) -> Bool {
        guard context.checkIdentifier(name, what: "the name") else { return false }
        let taken = ScopeSlot.allCases.map(\.name) + ["index", "record"] + scopes.items.map(\.name)
        guard taken.contains(name.value) else { return true }
        context.error(.loopName, "'\(name.value)' means something else here", at: name.range)
        return false
    }
}
