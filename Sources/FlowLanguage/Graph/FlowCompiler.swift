import Expressions

/// What flows are compiled against: the app, and what the other flows take and give.
struct FlowEnvironment {
    struct Signature {
        var kind: FlowGraph.Kind
        var trigger: Trigger?
        /// The roles that may call a page.
        var access: [String]
        var inputs: [InputDeclaration]
        var outputs: [String]
        /// Outputs that a caller may not get, since a 'respond' leaves them out, and why.
        var lacking: [String: String] = [:]
    }

    var model: AppModel
    var catalogue: Catalogue
    var flows: [String: Signature]
    var brokenTables: Set<String>
    /// The files of `code/` by their path in the app: `code/prices.js`, `code/lib/tax.js`.
    var codeFiles: [String: FileContext] = [:]
}

/// Checks one flow and compiles it to its graph, in one walk in the order written.
///
/// A block's predecessors are all walked before it, and what has run on every way to it is known when it is reached;
/// jumps backwards, which have a bound, are checked against what was known there. A reference, since the walk carries one graph and one set of pending jumps.
final class FlowCompiler {
    /// A list of blocks that `next` may jump within.
    struct Scope {
        /// Order numbers by id.
        var targets: [String: Int]
        /// Why jumps may not leave this list, if they may not.
        var barrier: Barrier?
        /// The last block of the list that was begun.
        var current: Int
    }

    /// What a jump would leave in the middle.
    enum Barrier {
        case transaction
        /// A `try` with `finally`, which would not run.
        case finally
        /// A `for-each`, whose further turns would be lost.
        case loop
        /// A `while`, which a jump forward may end; one back would begin it with all its turns anew.
        case turns
        /// A branch, which is a run of its own.
        case branch
    }

    let source: FlowSource
    let environment: FlowEnvironment
    let layout: FlowLayout
    var scopes: ScopeBuilder
    var nodes: [Node?]
    var jumpScopes: [Scope] = []
    /// What is known on jumps to a block, by its order number.
    var pending: [Int: FlowState] = [:]
    /// What is known where the flow ends without having answered.
    var atEnd = FlowState.unreachable
    /// The tables that the flow uses, for its version.
    var tables: Set<String> = []
    /// The code that the flow runs, for its version.
    var code: [CodeText] = []
    /// The blocks whose `fail` list or `catch` is open, the outermost first.
    var handled: [NodeIndex] = []
    /// Where a failure leads that the block itself does not handle.
    var failureTarget = Node.Failure.propagates
    /// The `try` whose `catch` that is, if it is one.
    var handler: NodeIndex?
    /// What is known where a block of each open `try` fails, the outermost first.
    var failedStates: [FlowState] = []
    /// The `finally` lists met so far.
    var finals: [FlowGraph.Finally] = []
    /// The open `for-each` loops, the outermost first.
    var loops: [NodeIndex] = []
    /// The open blocks with a `timeout`, the outermost first.
    var timed: [NodeIndex] = []
    /// What was known where each open branch began, the outermost first.
    var branched: [FlowState] = []
    /// What was known where a block began, by its order number.
    var entered: [Int: FlowState] = [:]
    var callbackHandlers = 0
    /// How many nodes may still be compiled again for further turns of loops: in loops within loops they multiply.
    var roomForTurns = 2 * Limits.blocksPerFlow

    var context: FileContext { source.context }
    var isInHandler: Bool { !handled.isEmpty }

    init(_ source: FlowSource, _ environment: FlowEnvironment) {
        self.source = source
        self.environment = environment
        layout = FlowLayout(source.blocks, context: source.context)
        nodes = Array(repeating: nil, count: layout.count)
        let input = RecordType(
            name: "input",
            fields: Dictionary(
                source.inputs.map { input in
                    let type = input.type.declaredType(
                        isNullable: input.isOptional && input.defaultValue == nil,
                        allowed: input.allowed
                    )
                    return (input.name, RecordType.Field(type))
                },
                uniquingKeysWith: { first, _ in first }
            )
        )
        let trigger = Self.triggerType(source, environment)
        scopes = ScopeBuilder(
            ids: layout.ids,
            input: .record(input),
            trigger: trigger,
            roles: environment.model.roles
        )
    }

    /// The graph; of use only if no error was reported.
    func compile() -> FlowGraph {
        var state = FlowState()
        let entry = compile(source.blocks, continuation: nil, state: &state)
        finish(state)
        let outputs = compileOutputs()
        let trigger = compileTrigger()
        let concurrency = compileConcurrency()
        checkCallback()
        var graph = FlowGraph(
            name: source.name.value,
            kind: source.kind,
            title: source.title,
            access: source.access.map { $0.map(\.value) } ?? (source.kind == .page ? ["admin"] : []),
            trigger: trigger,
            inputs: source.inputs,
            outputs: outputs,
            nodes: nodes.compactMap { $0 },
            entry: entry,
            version: FlowVersion.of(source, tables: tables, code: code, model: environment.model),
            range: context.text.range(source.name.range),
            concurrency: concurrency,
            priority: source.priority
        )
        graph.timeout = source.timeout
        graph.finals = finals.sorted { $0.begin.rawValue < $1.begin.rawValue }
        return graph
    }

    /// What a callback flow owes to callbacks that are sent twice.
    private func checkCallback() {
        guard case .callback? = source.trigger?.trigger, !source.blocks.blocks.isEmpty else { return }
        if callbackHandlers == 0 {
            context.warning(
                .callbackHandlerMissing,
                "the flow never asks 'callback-handler' what happened, so the callback is not marked as processed",
                at: source.name.range
            )
            return
        }
        let compiled = nodes.compactMap { $0 }
        let conditions = compiled.flatMap { node -> [Expression?] in
            guard case .branch(let block) = node.action else { return [node.when] }
            return [node.when] + block.branches.map(\.when)
        }
        let isGuarded = conditions.contains { condition in
            condition?.references.contains { $0.path.contains("callbackProcessed") } ?? false
        }
        let writing = compiled.first { node in
            switch node.action {
            case .insertRecord, .upsertRecord, .updateRecord, .deleteRecord, .command, .runFlow, .code: true
            default: false
            }
        }
        guard let writing, !isGuarded else { return }
        context.findings.add(
            .warning,
            FindingCode.callbackUnguarded.rawValue,
            "the flow changes something without asking whether this callback was processed before",
            writing.range,
            ["put it behind '!blocks.<handler>.callbackProcessed'"]
        )
    }

    private func finish(_ state: FlowState) {
        if state.isReachable, !state.hasResponded { atEnd = atEnd.merged(with: state) }
    }

    private func compileOutputs() -> [OutputDeclaration] {
        // A flow that always fails or has answered gives no outputs; they are still checked, against all blocks.
        let scope = scopes.scope(atEnd, order: Int.max, inFail: false)
        let templates = TemplateCompiler(context, scope: scope)
        return source.outputs.compactMap { pair in
            templates.compile(pair.value, .any("'\(pair.name)'")).map {
                OutputDeclaration(name: pair.name, value: $0.template)
            }
        }
    }

    // MARK: Lists

    /// Compiles a list whose last block leads on to `continuation`; gives its first node.
    func compile(
        _ list: BlockList,
        continuation: NodeIndex?,
        state: inout FlowState,
        barrier: Barrier? = nil
    ) -> NodeIndex? {
        var targets: [String: Int] = [:]
        for block in list.blocks {
            if let id = block.id, targets[id.value] == nil { targets[id.value] = block.order }
        }
        jumpScopes.append(Scope(targets: targets, barrier: barrier, current: -1))
        defer { jumpScopes.removeLast() }
        var lastReachable = state
        var hasReported = !state.isReachable
        for (number, block) in list.blocks.enumerated() {
            jumpScopes[jumpScopes.count - 1].current = block.order
            if let jumped = pending.removeValue(forKey: block.order) { state = state.merged(with: jumped) }
            if state.isReachable {
                lastReachable = state
            } else {
                if !hasReported {
                    context.error(
                        .blockUnreachable,
                        "no way leads to this block",
                        at: block.word.range,
                        notes: ["the block before it always ends or jumps"]
                    )
                    hasReported = true
                }
                state = lastReachable  // Check the rest as if it could be reached.
            }
            if block.id != nil { entered[block.order] = state }
            let following = number + 1 < list.blocks.count ? index(of: list.blocks[number + 1]) : continuation
            compile(block, following: following, state: &state)
        }
        return list.blocks.first.flatMap { index(of: $0) } ?? continuation
    }

    func index(of block: BlockSource) -> NodeIndex? { layout.places[block.order]?.index }

    // MARK: Jumps

    enum JumpTarget {
        case end
        case block(order: Int, NodeIndex)
        case back(order: Int, NodeIndex)
        /// Reported; the block leads on as if nothing was written.
        case invalid
    }

    /// Where `next` leads.
    func resolve(_ next: Located<String>, jumps: Located<Int>?) -> JumpTarget {
        if let jumps, next.value == "end" { reportForward(jumps) }
        if next.value == "end" {
            let barriers = jumpScopes.compactMap(\.barrier)
            guard let barrier = barriers.last(where: { $0 != .turns }) else { return .end }
            reportLeaving(barrier, next)
            return .invalid
        }
        var crossed: Barrier?
        for scope in jumpScopes.reversed() {
            if let order = scope.targets[next.value], let place = layout.places[order] {
                if let crossed, crossed != .turns || order <= scope.current {
                    reportLeaving(crossed, next)
                    return .invalid
                }
                if order > scope.current {
                    if let jumps { reportForward(jumps) }
                    return .block(order: order, place.index)
                }
                if jumps != nil { return .back(order: order, place.index) }
                context.error(
                    .nextBackwards,
                    "'next' leads back to '\(next.value)' without a bound: it might never end",
                    at: next.range,
                    notes: ["write next: { to: \(next.value), max: 10 }"]
                )
                return .invalid
            }
            if crossed == nil || crossed == .turns { crossed = scope.barrier ?? crossed }
        }
        if layout.ids[next.value] != nil {
            context.error(
                .nextElsewhere,
                "'\(next.value)' lies inside another block; 'next' leads to a block of the same or an enclosing list",
                at: next.range
            )
        } else {
            context.error(
                .nextUnknown,
                "there is no block '\(next.value)' to go on with",
                at: next.range,
                notes: context.likely(next.value, among: jumpScopes.flatMap(\.targets.keys) + ["end"])
            )
        }
        return .invalid
    }

    private func reportForward(_ jumps: Located<Int>) {
        context.error(.nextBackwards, "the jump leads forward, so it takes no 'max'", at: jumps.range)
    }

    /// Hands what is known on to where a jump leads.
    func land(_ target: JumpTarget, _ next: Located<String>, _ state: FlowState) {
        switch target {
        case .back(let order, _): landBack(on: order, next, state)
        case .end: finish(state)
        case .block(let order, _): pending[order] = pending[order].map { $0.merged(with: state) } ?? state
        case .invalid: break
        }
    }

    private func reportLeaving(_ barrier: Barrier, _ next: Located<String>) {
        switch barrier {
        case .transaction:
            let message = "'next' cannot leave a transaction: it would stay open"
            context.error(.nextLeavesTransaction, message, at: next.range)
        case .finally:
            let message = "'next' cannot leave a 'try' that has 'finally': it would not run"
            context.error(.nextLeavesBlock, message, at: next.range)
        case .loop: context.error(.nextLeavesBlock, "'next' cannot leave a 'for-each'", at: next.range)
        case .turns: context.error(.nextLeavesBlock, "'next' cannot lead back out of a 'while'", at: next.range)
        case .branch:
            let message = "'next' cannot leave a branch: the others would not know"
            context.error(.nextLeavesBlock, message, at: next.range)
        }
    }
}
