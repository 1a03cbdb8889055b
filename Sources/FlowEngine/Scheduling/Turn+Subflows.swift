import Expressions
import FlowLanguage

extension Turn {
    /// Starts a sub-flow in the savepoint of its block, and waits for it if the block says so.
    mutating func runFlow(
        _ flow: String,
        input: ValueMap,
        mode: RunFlowBlock.Mode,
        _ call: BlockCall
    ) throws(StoreError) -> Stop? {
        let child: RunStart
        let admission: StartAdmission
        switch try subflow(flow, input: input) {
        case .success(let (start, graph)):
            child = start
            admission = StartAdmission(graph, now: now)
        case .failure(let failure):
            try conclude(call, .failure(failure))
            return nil
        }
        if mode == .start {
            try conclude(call, try start(child, admission))
            return nil
        }
        startsWork = true
        var waited = child
        waited.parent = address(of: call, number: 0)
        let inserted = try admission.insert(waited, waitedForBy: run.record, in: transaction)
        // Concluding takes a sequence number of its own: taken before as well, one would be missing in the journal.
        if let failure = inserted.failure {
            try conclude(call, .failure(failure))
            return nil
        }
        var entry = entry(of: call, status: .started, input: call.work.journalInput)
        let id = inserted.id.rawValue
        var described: ValueMap = ["flow": .string(flow), "input": .map(child.input), "run": .int(id)]
        if let deadline = call.deadline { described["deadline"] = .timestamp(deadline) }
        entry.input = .map(described)
        try insert(entry)
        try save(.waiting, wakesAt: call.deadline)
        return .left
    }

    /// Starts a run that nobody waits for, unless it is the last of too long a chain of such.
    mutating func start(
        _ child: RunStart,
        _ admission: StartAdmission
    ) throws(StoreError) -> Result<Value, BlockFailure> {
        var child = child
        child.generation.starts += 1
        guard child.generation.starts <= Limits.startChain else {
            let chain = Limits.startChain
            let message = "\(chain) runs have started each other at once; let a schedule or a loop do it"
            return .failure(.engine("too_many_starts", message))
        }
        startsWork = true
        let id = try admission.insert(child, in: transaction).id
        return .success(["run": .int(id.rawValue)])
    }

    /// Waits on for the runs that this one began; out of time, they are cancelled.
    ///
    /// Only once they have stopped, where nothing that they sent is without its answer, is it a failure here. The one
    /// that stops last finishes the entry.
    mutating func awaitChildren(of call: BlockCall) throws(StoreError) -> Stop? {
        guard let deadline = call.deadline, deadline <= now else {
            try save(.waiting, wakesAt: call.deadline)
            return .left
        }
        var halted = TurnContext.Halted()
        for child in try transaction.openChildren(of: run.record.id) {
            try context.cancel(child, in: transaction, &halted)
        }
        if halted.startsWork { startsWork = true }
        stopped += halted.stopped
        try reload()
        guard let entry = try transaction.entries(of: run.record.id).last, entry.status != .started else {
            try save(.waiting)
            return .left
        }
        if case .code = call.work {
            run.code?.answers.append(CodeAnswer(entry))
            try save(.running)
            return .computing
        }
        hand(entry.failure.map { .failure($0) } ?? .success(entry.output), to: call, at: entry.finishedAt)
        return nil
    }

    /// What the runs that this one begins inherit: of the chain that led here nothing where it took its time.
    var generation: Generation {
        var generation = run.record.start.generation
        if let began = run.record.startedAt, now - began >= Limits.startChainPause { generation.starts = 0 }
        return generation
    }

    func subflow(
        _ flow: String,
        input: ValueMap
    ) throws(StoreError) -> Result<(RunStart, FlowGraph), BlockFailure> {
        // Of the run's own version: the two were checked together.
        let app = try context.app(of: run.record.start, in: transaction) ?? context.app
        guard let graph = app.flows[flow] else {
            return .failure(.engine("unknown_flow", "there is no flow '\(flow)'"))
        }
        if context.app.flows[flow]?.version != graph.version { try keepFiles(of: graph) }
        let caller = run.record.start.caller
        // Cloud flows declare no access: nobody calls them from outside, and here the flow's author did.
        guard graph.kind == .cloud || caller.isAllowed(graph.access) else {
            let message = "the first caller may not run '\(flow)'"
            return .failure(BlockFailure(code: "forbidden", type: "access", message: message, status: 403))
        }
        guard try depth() < Limits.subflowDepth else {
            return .failure(.engine("too_deep", "sub-flows stand more than \(Limits.subflowDepth) deep in each other"))
        }
        switch InputCheck(graph.inputs).check(input) {
        case .failure(let invalid):
            let text = invalid.findings.map { "'\($0.path)' \($0.message)" }.joined(separator: "; ")
            return .failure(
                BlockFailure(code: "invalid_input", type: "invalid_request", message: "run-flow '\(flow)': \(text)")
            )
        case .success(let checked):
            var start = RunStart(
                flow: flow,
                version: graph.version,
                origin: .subflow,
                input: checked,
                caller: caller,
                mode: run.record.start.mode
            )
            start.generation = generation
            return .success((start, graph))
        }
    }

    /// The version of a flow of an earlier app leads to that app's files, as the run's own does: a program that did not
    /// count sub-flows kept them under other versions.
    private func keepFiles(of graph: FlowGraph) throws(StoreError) {
        guard try transaction.flowSource(graph.version) == nil,
            let files = try transaction.flowSource(run.record.start.version)
        else { return }
        try transaction.saveFlowSource(graph.version, files)
    }

    /// The number of runs that wait for this one, directly or not; at most the limit.
    func depth() throws(StoreError) -> Int {
        var depth = 0
        var parent = run.record.start.parent
        while let address = parent, depth < Limits.subflowDepth {
            depth += 1
            parent = try transaction.run(address.run)?.start.parent
        }
        return depth
    }
}
