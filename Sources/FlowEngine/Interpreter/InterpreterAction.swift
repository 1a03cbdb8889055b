import Expressions
import FlowLanguage

/// What the interpreter asks of its surroundings.
enum InterpreterAction: Sendable {
    /// Do the block and answer with `succeeded` or `failed`.
    case perform(BlockCall)
    /// Open a savepoint; what follows happens in it until `closeTransaction` or `rollBack` names the same call.
    case openTransaction(BlockCall)
    /// Keep what happened in the savepoint and answer with `succeeded`.
    case closeTransaction(BlockCall)
    /// Undo what happened in the savepoint and answer with `failed` and the same failure.
    indirect case rollBack(BlockCall, BlockFailure)
    /// Let some time pass, then go on with `endPause`.
    indirect case pause(RetryPause)
    /// Let others at the writer: the run has computed for its share of the turn and goes on in the next one.
    case rest
    /// The run is over.
    indirect case finish(RunEnding)
}

/// The time between two attempts at a block.
struct RetryPause: Sendable {
    var policy: RetryPolicy
    /// The number of the attempt behind the pause.
    var attempt: Int
    /// What the service asked for, however short the policy's own pause is.
    var atLeast: Duration
    /// When the pause ends in any case, since something around the block is out of time then.
    var deadline: Timestamp?
}

/// One passage of a run through a block that has an effect, with everything evaluated.
///
/// A reference, since it goes from hand to hand.
final class BlockCall: Sendable {
    let node: NodeIndex
    let path: BlockPath
    let visit: Int
    let attempt: Int
    /// The block's word, as the journal keeps it.
    let block: String
    /// The `now` that the block and the pure blocks before it saw.
    let now: Timestamp
    let work: BlockWork
    /// The pure blocks passed since the last entry.
    let trace: [TraceStep]
    /// What the attempt may take, if the block says so.
    let timeout: Duration?
    /// When the attempt, or something around it, is out of time.
    let deadline: Timestamp?

    init(
        node: NodeIndex,
        path: BlockPath,
        visit: Int,
        attempt: Int,
        block: String,
        now: Timestamp,
        work: BlockWork,
        trace: [TraceStep],
        timeout: Duration?,
        deadline: Timestamp?
    ) {
        self.node = node
        self.path = path
        self.visit = visit
        self.attempt = attempt
        self.block = block
        self.now = now
        self.work = work
        self.trace = trace
        self.timeout = timeout
        self.deadline = deadline
    }

    /// The call of a transaction, come to the node that closes it.
    func closing(at node: NodeIndex, now: Timestamp, trace: [TraceStep]) -> BlockCall {
        BlockCall(
            node: node,
            path: path,
            visit: visit,
            attempt: attempt,
            block: block,
            now: now,
            work: work,
            trace: trace,
            timeout: timeout,
            deadline: deadline
        )
    }
}

/// What an effect is, evaluated.
enum BlockWork: Sendable {
    case find(RecordQuery, single: Bool)
    case insert(table: String, values: [NamedValue])
    /// `values` holds one for the unique column `on`, which is not null.
    case upsert(table: String, values: [NamedValue], on: String)
    case update(RecordUpdate, expect: Int?)
    case delete(table: String, conditions: [ResolvedCondition], expect: Int?)
    case command(CommandBlock, data: ValueMap)
    case callback
    case code(CodeBlock, CodeScope)
    case runFlow(flow: String, input: ValueMap, mode: RunFlowBlock.Mode)
    case transaction
    case wait(WaitWork)
    case branches(BranchWork)
}

/// What a run waits for.
enum WaitWork: Sendable {
    case time(Timestamp)
    /// An event of this subject that came after the one with the number `after`.
    case event(EventSubject, after: Int64)
}

extension BlockWork {
    /// Whether the rows that the block read and changed can be told from its entry's output.
    var outputShowsAccesses: Bool {
        switch self {
        case .find, .insert, .runFlow, .transaction, .wait, .branches: true
        case .upsert, .update, .delete, .command, .callback, .code: false
        }
    }
}

/// A column's or field's value.
struct NamedValue: Sendable {
    var name: String
    var value: Value
}

enum RunEnding: Sendable {
    /// The declared outputs; nil for a flow that declares none.
    case succeeded(output: ValueMap?)
    case failed(BlockFailure)
    /// A branch came to its end: what it gives.
    case joined(output: Value)
}

/// A line that a `log` block wrote; released after the commit of what comes after it.
struct FlowLogLine: Sendable {
    var level: LogBlock.Level
    var message: String
    var fields: [String: String]
    var path: BlockPath
}

/// The journal and the interpreter do not fit together: this run cannot go on.
struct NondeterminismError: Error, Sendable {
    var message: String
}
