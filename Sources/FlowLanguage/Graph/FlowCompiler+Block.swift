import Expressions

extension FlowCompiler {
    /// What compiling a block's own part gave.
    struct Body {
        var action: BlockAction?
        /// What `blocks.<id>` is; nil when the block gives nothing.
        var output: ExpressionType?
        /// What is known when the block has succeeded; unreachable when it never does.
        var state: FlowState
        /// The nodes of `mode: all`, complete but for their failure.
        var chain: [Node] = []
        /// What is known where the block has failed, if not what was known before it.
        var failed: FlowState?
    }

    /// Compiles a block and everything in it; `state` becomes what is known behind it.
    func compile(_ block: BlockSource, following: NodeIndex?, state: inout FlowState) {
        guard let place = layout.places[block.order] else { return }
        let before = state
        noteFailure(before)
        let scope = scopes.scope(before, order: block.order, inFail: isInHandler)
        let when = block.when.flatMap {
            ExpressionCompiler(context).bare($0, what: "'when'", scope: scope, expected: .bool)
        }
        let target = block.next.map { resolve($0, jumps: block.jumps) }
        var next = following
        switch target {
        case .end?: next = nil
        case .block(_, let index)?: next = index
        case .back(_, let index)?: next = compileJump(block, place, to: index)
        case .invalid?, nil: break
        }
        checkPlacement(block)
        let retry = compileRetry(block, before: before)
        var body = compileInside(block, place: place, next: next, scope: scope, before: before)
        if let id = block.id, let output = body.output {
            body.state.blocks[id.value] = FlowState.Assignment(type: output, isCertain: true)
        }
        var after = body.state
        var success: NodeIndex?
        if let list = block.success {
            success = compile(list, continuation: next, state: &after)
        }
        var failure = failureTarget
        if let list = block.fail {
            handled.append(place.index)
            var failed = body.failed ?? before
            failure = .handled(compile(list, continuation: next, state: &failed))
            handled.removeLast()
            after = after.merged(with: failed)
        }
        if block.when != nil { after = after.merged(with: before) }
        state = after
        if let target, let next = block.next, after.isReachable {
            land(target, next, after)
            // Beside 'when', which is refused, what follows is checked as if the block was skipped.
            if case .invalid = target {} else if block.when == nil { state = .unreachable }
        }
        guard let action = body.action else { return }
        compileAgain(block, place, retry, next: next, failure: failure)
        if let again = place.again { failure = .handled(again) }
        nodes[place.index.rawValue] = Node(
            index: place.index,
            path: BlockPath(place.path),
            id: block.id?.value,
            title: block.title,
            when: when?.expression,
            action: action,
            next: next,
            success: success,
            failure: failure,
            range: context.text.range(block.word.range)
        )
        nodes[place.index.rawValue]?.timeout = block.timeout?.value
        nodes[place.index.rawValue]?.retry = place.again == nil ? retry : nil
        nodes[place.index.rawValue]?.again = place.again
        let receiver = place.again != nil ? nil : block.fail == nil ? handler : place.index
        surround(place.index, receiver)
        for var node in body.chain {
            node.failure = failure
            node.handler = receiver
            node.handled = handled.last
            if node.loops.isEmpty { node.loops = loops }
            nodes[node.index.rawValue] = node
        }
    }

    /// Says in what a node lies, and which block's list its failure comes to.
    func surround(_ index: NodeIndex, _ receiver: NodeIndex?) {
        nodes[index.rawValue]?.handler = receiver
        nodes[index.rawValue]?.handled = handled.last
        nodes[index.rawValue]?.loops = loops
        nodes[index.rawValue]?.timed = timed
    }

    /// Rules about where a block may stand and what it needs, whatever it does.
    private func checkPlacement(_ block: BlockSource) {
        if let next = block.next, block.when != nil {
            context.error(
                .nextWithWhen,
                "'next' beside 'when' leaves open where a skipped block leads",
                at: next.range,
                notes: ["put the block with its 'next' into a conditional-branch"]
            )
        }
        switch block.body {
        case .command, .insert, .upsert, .update, .delete, .runFlow, .code:
            if block.id == nil {
                context.error(
                    .idMissing,
                    "'\(block.word.value)' changes something, so it needs an 'id' by which it is recorded",
                    at: block.word.range
                )
            }
        default: break
        }
        checkBranch(block)
        guard jumpScopes.contains(where: { $0.barrier == .transaction }) else { return }
        switch block.body {
        case .find, .insert, .upsert, .update, .delete, .branch, .setVariables, .fail, .broken: break
        default:
            context.error(
                .transactionBlock,
                "'\(block.word.value)' cannot stand in a transaction",
                at: block.word.range,
                notes: ["a transaction holds record blocks, conditional-branch, set-variables and fail"]
            )
        }
    }

    /// Compiles a block's own part with what its `retry` and `timeout` mean for what it holds.
    private func compileInside(
        _ block: BlockSource,
        place: FlowLayout.Place,
        next: NodeIndex?,
        scope: ExpressionScope,
        before: FlowState
    ) -> Body {
        let outer = (failureTarget, handler, timed)
        defer { (failureTarget, handler, timed) = outer }
        if let again = place.again { (failureTarget, handler) = (.handled(again), nil) }
        if block.timeout != nil, block.body.isMeasuredInside { timed.append(place.index) }
        return compileBody(block, place: place, next: next, scope: scope, before: before)
    }

    private func compileBody(
        _ block: BlockSource,
        place: FlowLayout.Place,
        next: NodeIndex?,
        scope: ExpressionScope,
        before: FlowState
    ) -> Body {
        let templates = TemplateCompiler(context, scope: scope)
        var body = Body(state: before)
        switch block.body {
        case .broken: break
        case .command(let connection, let command, let data, let effect):
            compileCommand(block, connection, command, data, effect, templates, &body)
        case .branch(let branches, let isAll):
            catchingInside(block, place, next: next, &body) { body in
                if isAll {
                    compileAll(branches, block, place, next: next, &body)
                } else {
                    compileBranch(branches, next: next, scope, &body)
                }
            }
        case .callbackHandler: compileCallbackHandler(block, &body)
        case .code(let code): compileCode(code, timeout: block.timeout?.value, templates, &body)
        case .setVariables(let pairs): compileSet(pairs, templates, &body)
        case .find(let record, let order, let limit, let isMany):
            compileFind(record, order, limit, isMany: isMany, scope, &body)
        case .insert(let record): compileInsert(record, scope, &body)
        case .upsert(let record, let on): compileUpsert(record, on, scope, &body)
        case .update(let record, let expect): compileUpdate(record, expect, block, scope, &body)
        case .delete(let record, let expect): compileDelete(record, expect, block, scope, &body)
        case .transaction(let list):
            guard let end = place.end else { break }
            // What fails inside undoes the transaction, whose own failure goes on from there.
            let outer = (failureTarget, handler)
            (failureTarget, handler) = (.propagates, nil)
            defer { (failureTarget, handler) = outer }
            let entry = compile(list, continuation: end, state: &body.state, barrier: .transaction)
            body.action = .beginTransaction(body: entry, end: end)
            nodes[end.rawValue] = Node(
                index: end,
                path: BlockPath(place.path),
                action: .endTransaction(begin: place.index),
                next: next,
                range: context.text.range(block.word.range)
            )
        case .wait(let wait): compileWait(wait, templates, scope, &body)
        case .loop(let loop) where loop.hasBranches: compileTurns(loop, block, place, next: next, scope, &body)
        case .loop(let loop): compileLoop(loop, block, place, next: next, scope, &body)
        case .parallel(let parallel): compileParallel(parallel, block, place, next: next, &body)
        case .tryBlocks(let attempt): compileTry(attempt, block, place, next: next, &body)
        case .respond(let respond): compileRespond(respond, block, templates, &body)
        case .fail(let fail): compileFail(fail, templates, &body)
        case .log(let level, let message, let fields):
            let text = message.flatMap {
                templates.compile($0, Expectation(type: .string, what: "'message'", isProse: true))
            }
            guard let text else { break }
            body.action = .log(LogBlock(level: level, message: text.template, fields: templates.named(fields)))
        case .runFlow(let flow, let input, let range, let mode):
            compileRunFlow(block, flow, input, range, mode, templates, &body)
        case .httpRequest(let request): compileHTTPRequest(request, block, templates, &body)
        }
        return body
    }

    // MARK: Branches

    /// Lets the `fail` list of a conditional branch, if it has one, handle also what fails in the lists that `compile`
    /// compiles, as that of a loop does.
    private func catchingInside(
        _ block: BlockSource,
        _ place: FlowLayout.Place,
        next: NodeIndex?,
        _ body: inout Body,
        compile: (inout Body) -> Void
    ) {
        guard block.fail != nil, let rethrowing = place.end else { return compile(&body) }
        let outer = (failureTarget, handler)
        (failureTarget, handler) = (.handled(rethrowing), nil)
        failedStates.append(body.state)
        compile(&body)
        body.failed = failedStates.removeLast()
        (failureTarget, handler) = outer
        let path = BlockPath(place.path)
        let range = context.text.range(block.word.range)
        body.chain.append(
            Node(index: rethrowing, path: path, id: block.id?.value, action: .rethrow, next: next, range: range)
        )
    }

    private func compileBranch(
        _ branches: [BranchSource],
        next: NodeIndex?,
        _ scope: ExpressionScope,
        _ body: inout Body
    ) {
        let before = body.state
        var after = FlowState.unreachable
        var compiled: [BranchBlock.Branch] = []
        for branch in branches {
            let when = branch.when.flatMap {
                ExpressionCompiler(context).bare($0, what: "'when'", scope: scope, expected: .bool)
            }
            var state = before
            let entry = compile(branch.body, continuation: next, state: &state)
            after = after.merged(with: state)
            compiled.append(BranchBlock.Branch(when: when?.expression, entry: entry))
        }
        if !branches.contains(where: { $0.when == nil }) { after = after.merged(with: before) }
        body.state = after
        body.action = .branch(BranchBlock(branches: compiled))
        body.output = .record(RecordType(name: "conditional-branch", fields: ["taken": .init(.int)]))
    }

    /// `mode: all`: a head that may be skipped, and behind it a node for each branch.
    private func compileAll(
        _ branches: [BranchSource],
        _ block: BlockSource,
        _ place: FlowLayout.Place,
        next: NodeIndex?,
        _ body: inout Body
    ) {
        for (number, branch) in branches.enumerated() {
            guard let node = branch.when else {
                context.error(
                    .branchElse,
                    "with 'mode: all' each branch has its own 'when'; there is no 'else'",
                    at: branch.range
                )
                continue
            }
            let following = number + 1 < place.chain.count ? place.chain[number + 1] : next
            let scope = scopes.scope(body.state, order: block.order, inFail: isInHandler)
            let when = ExpressionCompiler(context).bare(node, what: "'when'", scope: scope, expected: .bool)
            var state = body.state
            let entry = compile(branch.body, continuation: following, state: &state)
            body.state = body.state.merged(with: state)
            let link = BranchBlock.Part.link(number, id: block.id?.value)
            body.chain.append(
                Node(
                    index: place.chain[number],
                    path: BlockPath("\(place.path)/\(number)"),
                    action: .branch(BranchBlock(branches: [.init(when: when?.expression, entry: entry)], part: link)),
                    next: following,
                    range: context.text.range(branch.range)
                )
            )
        }
        let entry = place.chain.first ?? next
        body.action = .branch(BranchBlock(branches: [.init(when: nil, entry: entry)], part: .head))
        body.output = .record(RecordType(name: "conditional-branch", fields: ["taken": .init(.list(.int))]))
    }

    // MARK: Variables, failure, answers

    private func compileSet(_ pairs: [YAMLPair], _ templates: TemplateCompiler, _ body: inout Body) {
        var named: [NamedTemplate] = []
        for pair in pairs {
            guard context.checkIdentifier(Located(value: pair.name, range: pair.key.range), what: "the variable") else {
                continue
            }
            checkBranchVariable(pair)
            let compiled = templates.compile(pair.value, .any("'\(pair.name)'"))
            if let compiled { named.append(NamedTemplate(name: pair.name, value: compiled.template)) }
            var type = compiled?.type ?? .dynamic
            // Further turns of a loop may set it to something else: of an enum no more is known than that it is a text.
            if case .declared(let plain, var facets) = type {
                facets.allowed = []
                type = plain.declared(facets)
            }
            body.state.variables[pair.name] = FlowState.Assignment(type: type, isCertain: true)
        }
        body.action = .setVariables(named)
    }

    private func compileFail(_ fail: FailSource, _ templates: TemplateCompiler, _ body: inout Body) {
        let status = fail.status.flatMap { compileStatus($0, in: 400...599, templates) }
        let code = fail.code.flatMap { templates.compile($0, Expectation(type: .string, what: "'code'")) }
        let message = fail.message.flatMap {
            templates.compile($0, Expectation(type: .string, what: "'message'", isProse: true))
        }
        body.state = .unreachable
        guard let message else { return }
        body.action = .fail(FailBlock(status: status, code: code?.template, message: message.template))
    }

    private func compileStatus(_ node: YAMLNode, in range: ClosedRange<Int64>, _ templates: TemplateCompiler)
        -> ValueTemplate?
    {
        guard let status = templates.compile(node, Expectation(type: .int, what: "'status'")) else { return nil }
        if case .constant(.int(let number)) = status.template, !range.contains(number) {
            let message = "'status' is an HTTP status between \(range.lowerBound) and \(range.upperBound)"
            context.error(.valueRange, message, at: node.range)
            return nil
        }
        return status.template
    }

    private func compileRespond(
        _ respond: RespondSource,
        _ block: BlockSource,
        _ templates: TemplateCompiler,
        _ body: inout Body
    ) {
        var output: [NamedTemplate]?
        let isWebhook = if case .webhook? = source.trigger?.trigger { true } else { false }
        let hasListener =
            switch source.trigger?.trigger {
            case .callback, .schedule, .table, .stripe: false
            case .webhook, .manual, nil: true
            }
        if !hasListener {
            context.error(.respondNobody, "nobody waits for an answer of this flow", at: block.word.range)
        }
        let answer = hookAnswer
        if hasListener, body.state.hasResponded, answer != .atOnce {
            context.warning(
                .respondNobody,
                "the caller was answered before on every way here: this answer is never sent",
                at: block.word.range,
                notes: ["the first 'respond' of a run counts; put the others into branches of their own"]
            )
        }
        if isWebhook, let pair = respond.output {
            context.error(
                .respondShape,
                "the answer of a web hook is 'status', 'headers' and 'body'",
                at: pair.key.range
            )
        } else if !isWebhook, let key = respond.webKey {
            context.error(.respondShape, "the answer of this flow is its 'output'", at: key)
        }
        if let pair = respond.output, !isWebhook {
            let pairs = context.pairs(of: pair.value, what: "'output'") ?? []
            let declared = source.outputs.map(\.name)
            for pair in pairs where !declared.contains(pair.name) {
                context.error(
                    .outputUnknown,
                    "the flow declares no output '\(pair.name)'",
                    at: pair.key.range,
                    notes: context.likely(pair.name, among: declared)
                )
            }
            output = templates.named(pairs)
        }
        for pair in respond.headers {
            checkAnswerHeader(pair)
            _ = templates.compile(pair.value, Expectation(type: .string, what: "the header '\(pair.name)'"))
        }
        let status = respond.status.flatMap { compileStatus($0, in: 200...599, templates) }
        if let answer { checkAnswer(respond, status, answer, block) }
        body.state.hasResponded = true
        body.action = .respond(
            RespondBlock(
                status: status,
                headers: templates.named(respond.headers),
                body: respond.body.flatMap { templates.compile($0, .any("'body'"))?.template },
                output: output
            )
        )
    }

    /// How the sender of a web hook is answered in a flow that responds; nil in other flows.
    private var hookAnswer: WebhookTrigger.Answer? {
        guard let written = source.trigger, case .webhook(let hook) = written.trigger else { return nil }
        return written.answer(of: hook, responds: true)
    }

    /// Says what of an answer the sender never sees, since theirs has left by then.
    private func checkAnswer(
        _ respond: RespondSource,
        _ status: ValueTemplate?,
        _ answer: WebhookTrigger.Answer,
        _ block: BlockSource
    ) {
        switch answer {
        case .whenFinished: break
        case .atOnce:
            context.warning(
                .respondNobody,
                "the sender was answered with 200 when the event was stored, and does not see this answer",
                at: block.word.range,
                notes: ["'answer: when-finished' in the trigger makes the flow's answer theirs"]
            )
        case .chunked:
            let note = "'answer: when-finished' in the trigger waits for the flow before anything is sent"
            let message = "the answer began with 200 before the flow ran"
            if let header = respond.headers.first {
                context.warning(.respondShape, "\(message): headers come too late", at: header.key.range, notes: [note])
            }
            // A failure is told in the body.
            if let node = respond.status, case .constant(.int(let number))? = status, number != 200, number < 400 {
                context.warning(.respondShape, "\(message): this status comes too late", at: node.range, notes: [note])
            }
        }
    }
}
