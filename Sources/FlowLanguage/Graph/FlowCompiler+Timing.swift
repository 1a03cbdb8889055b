import Expressions

// `retry`, `timeout` and `wait`.
extension FlowCompiler {
    /// Compiles the `retry` of a block.
    func compileRetry(_ block: BlockSource, before: FlowState) -> RetryPolicy? {
        guard let retry = block.retry else { return nil }
        if jumpScopes.contains(where: { $0.barrier == .transaction }) {
            context.error(
                .retryBlock,
                "a transaction cannot wait, so its blocks have no 'retry'",
                at: retry.range,
                notes: ["give the whole transaction a 'retry'"]
            )
        }
        var policy = retry.policy
        if let on = retry.on {
            let scope = scopes.scope(before, order: block.order, inFail: true)
            policy.on = ExpressionCompiler(context).bare(on, what: "'on'", scope: scope, expected: .bool)
        }
        return policy
    }

    /// Draws the node that a failure of the block at `place` comes to: it waits and leads back, or passes the failure on.
    ///
    /// For blocks that are no one effect; a further attempt at an effect has an entry with its own number.
    func compileAgain(
        _ block: BlockSource,
        _ place: FlowLayout.Place,
        _ retry: RetryPolicy?,
        next: NodeIndex?,
        failure: Node.Failure
    ) {
        guard let index = place.again, let retry else { return }
        warnAboutRepetition(of: block, place)
        nodes[index.rawValue] = Node(
            index: index,
            path: BlockPath(place.path + "/retry"),
            action: .tryAgain(retry, head: place.index),
            next: next,
            failure: failure,
            range: context.text.range(block.word.range)
        )
        surround(index, block.fail == nil ? handler : place.index)
    }

    /// What a list asks of others is asked with a new key when the list is done again: of a charge that is one more.
    private func warnAboutRepetition(of block: BlockSource, _ place: FlowLayout.Place) {
        guard let retry = block.retry else { return }
        let own = place.path + "/"
        let inside = nodes.compactMap { $0 }.filter { node in
            let path = node.path.rawValue
            return path.hasPrefix(own) && !path.hasPrefix(own + "fail/") && !path.hasPrefix(own + "success/")
        }
        var (comesRound, forks) = (false, Set<String>())
        switch block.body {
        case .loop, .parallel, .branch(_, isAll: true): comesRound = true
        case .branch: forks.insert(place.path)
        default: break
        }
        for node in inside { if case .branch = node.action { forks.insert(node.path.rawValue) } }
        let repeated = inside.first { node in
            guard case .command(let command) = node.action, command.effect != .safe else { return false }
            return comesRound || inside.contains { $0.action.canFail && $0.follows(node, forks: forks) }
        }
        guard let repeated else { return }
        let name = repeated.id ?? repeated.action.word
        context.warning(
            .retryRepeats,
            "'\(name)' may have been done when the list is tried again, and is then done once more",
            at: retry.range,
            notes: ["give the 'retry' to the blocks behind it that may fail, or to '\(name)' alone"]
        )
    }

    func compileWait(
        _ wait: WaitSource,
        _ templates: TemplateCompiler,
        _ scope: ExpressionScope,
        _ body: inout Body
    ) {
        if let event = wait.event {
            body.output = .record(Self.event)
            let known = environment.model.events.map(\.name)
            guard known.contains(event.value) else {
                let near = context.likely(event.value, among: known)
                context.error(
                    .eventUnknown,
                    "there is no event '\(event.value)'",
                    at: event.range,
                    notes: near.isEmpty ? ["events are declared under 'events' in app.yaml"] : near
                )
                return
            }
            var key: ValueTemplate?
            if let node = wait.key {
                guard let compiled = templates.compile(node, .any("'key'")) else { return }
                key = compiled.template
            }
            body.action = .wait(.event(name: event.value, key: key))
        } else if let node = wait.span {
            if let text = node.scalar?.text, !text.contains("${") {
                guard let span = context.duration(of: node, what: "'for'", in: Self.spans) else { return }
                body.action = .wait(.span(.constant(.duration(span))))
            } else if let compiled = templates.compile(node, Expectation(type: .duration, what: "'for'")) {
                body.action = .wait(.span(compiled.template))
            }
        } else if let node = wait.time {
            let placed = ExpressionCompiler(context).bare(node, what: "'until'", scope: scope, expected: .timestamp)
            if let placed { body.action = .wait(.time(placed)) }
        }
    }

    private static let spans: ClosedRange<Duration> = .zero ... .seconds(36_525 * 86_400)

    /// What a block that waited for an event gives.
    private static let event = RecordType(
        name: "event",
        fields: [
            "id": .init(.int), "name": .init(.string), "key": .init(.dynamic), "data": .init(.dynamic),
            "receivedAt": .init(.timestamp),
        ]
    )

    // MARK: Jumps backwards

    /// Draws the node behind which a jump backwards leads to `target`.
    func compileJump(_ block: BlockSource, _ place: FlowLayout.Place, to target: NodeIndex) -> NodeIndex? {
        guard let index = place.jump, let jumps = block.jumps, let next = block.next else { return nil }
        var node = Node(
            index: index,
            path: BlockPath(place.path),
            action: .jumpBack(max: jumps.value),
            next: target,
            range: context.text.range(next.range)
        )
        // Not the block's own `fail`: it would lead here again.
        node.failure = failureTarget
        node.handler = handler
        nodes[index.rawValue] = node
        return index
    }

    /// Checks that a block finds again what it counts on when a jump leads back to it.
    func landBack(on order: Int, _ next: Located<String>, _ state: FlowState) {
        guard let entered = entered[order] else { return }
        let lost = entered.blocks.filter { $0.value.isCertain && state.blocks[$0.key]?.isCertain != true }.keys
        if let id = lost.min() {
            context.error(
                .nextBackwards,
                "'\(next.value)' counts on '\(id)', which may not have run on this way",
                at: next.range
            )
        }
        for (name, known) in entered.variables.sorted(by: { $0.key < $1.key }) {
            guard let now = state.variables[name] else { continue }
            if known.type != .dynamic, now.type != known.type || (known.isCertain && !now.isCertain) {
                context.error(
                    .nextBackwards,
                    "'\(next.value)' counts on 'vars.\(name)' as it was when it first ran",
                    at: next.range,
                    notes: ["set it to the same type on each way"]
                )
                return
            }
        }
    }
}

extension BlockAction {
    /// Whether it may fail by what it meets, and not only by an expression.
    fileprivate var canFail: Bool {
        switch self {
        case .command, .code, .runFlow, .findRecord, .insertRecord, .upsertRecord, .updateRecord, .deleteRecord,
            .beginTransaction, .callbackHandler, .wait, .fail, .beginBranches:
            true
        default: false
        }
    }
}

extension Node {
    /// Whether it can run behind another node: it is drawn behind it, and not in another branch of a fork.
    fileprivate func follows(_ earlier: Node, forks: Set<String>) -> Bool {
        guard index.rawValue > earlier.index.rawValue else { return false }
        let common = zip(path.rawValue.split(separator: "/"), earlier.path.rawValue.split(separator: "/"))
            .prefix { $0 == $1 }
        return !forks.contains(common.map { String($0.0) }.joined(separator: "/"))
    }
}
