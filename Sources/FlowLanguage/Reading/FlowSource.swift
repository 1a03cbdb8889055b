/// A flow as it was written: typed, with places, not yet checked against the app.
struct FlowSource {
    var context: FileContext
    var root: YAMLNode
    var name: Located<String>
    var kind: FlowGraph.Kind
    var title: String?
    var access: [Located<String>]?
    var trigger: TriggerSource?
    var inputs: [InputDeclaration]
    var outputs: [YAMLPair]
    var blocks: BlockList
    /// What the whole run may take.
    var timeout: Duration?
    var concurrency: ConcurrencySource?
    var priority = 0
    /// Places of the keys that do not count for the version: titles.
    var titleKeys: Set<Int>
}

struct TriggerSource {
    var trigger: Trigger
    /// `eventId:` of a web hook, compiled when the scope is known.
    var eventID: YAMLNode?
    /// Whether `answer:` of a web hook is written.
    var hasAnswer = false
    /// The table of a table trigger, and its condition.
    var table: Located<String>?
    var when: YAMLNode?
    var range: Range<Int>

    /// How a web hook's sender is answered.
    ///
    /// A flow that responds is waited for, unless it says otherwise; Stripe is told at once that it need not repeat.
    func answer(of hook: WebhookTrigger, responds: Bool) -> WebhookTrigger.Answer {
        !hasAnswer && responds && hook.authentication != .stripe ? .whenFinished : hook.answer
    }
}

/// `concurrency:` of a flow.
struct ConcurrencySource {
    var key: YAMLNode?
    var limit: Int
}

struct BlockList {
    var blocks: [BlockSource]
    var range: Range<Int>
}

/// A block as it was written.
struct BlockSource {
    /// From 1, in the order written; unlike its place it tells the uses of an aliased block apart.
    var order: Int
    /// From 0, in its list.
    var position: Int
    var id: Located<String>?
    /// The word behind `block:`; its place is what findings about the whole block point at.
    var word: Located<String>
    var title: String?
    var when: YAMLNode?
    var next: Located<String>?
    /// How often `next` may lead backwards.
    var jumps: Located<Int>?
    var retry: RetrySource?
    var timeout: Located<Duration>?
    var fail: BlockList?
    var success: BlockList?
    var body: BlockBody
    var range: Range<Int>
}

enum BlockBody {
    case command(connection: Located<String>?, command: Located<String>?, data: YAMLNode?, effect: Effect?)
    case branch([BranchSource], isAll: Bool)
    case callbackHandler
    case code(CodeBlockSource)
    case setVariables([YAMLPair])
    case find(RecordSource, order: [OrderSource], limit: Int?, isMany: Bool)
    case insert(RecordSource)
    case upsert(RecordSource, on: Located<String>?)
    case update(RecordSource, expect: Int?)
    case delete(RecordSource, expect: Int?)
    case transaction(BlockList)
    case tryBlocks(TrySource)
    case loop(LoopSource)
    case parallel(ParallelSource)
    case respond(RespondSource)
    case fail(FailSource)
    case log(LogBlock.Level, message: YAMLNode?, fields: [YAMLPair])
    case runFlow(flow: Located<String>?, input: [YAMLPair], inputRange: Range<Int>?, mode: RunFlowBlock.Mode)
    case wait(WaitSource)
    case httpRequest(HTTPRequestSource)
    /// Reported already; it stands in for whatever was meant.
    case broken
}

extension FlowSource {
    /// The outputs that the answer of a `respond` leaves out, and where.
    var lackingOutputs: [String: String] {
        var lacking: [String: String] = [:]
        blocks.forEach { block in
            guard case .respond(let respond) = block.body else { return }
            var given: Set<String> = []
            if case .mapping(let pairs)? = respond.output?.value.content { given = Set(pairs.map(\.name)) }
            let line = context.text.position(at: block.word.range.lowerBound).line
            for output in outputs where !given.contains(output.name) && lacking[output.name] == nil {
                lacking[output.name] =
                    "'\(name.value)' may have answered without '\(output.name)' (\(context.text.path), line \(line))"
            }
        }
        return lacking
    }
}

extension BlockList {
    /// Does something with each block, and with those that it holds.
    func forEach(_ work: (BlockSource) -> Void) {
        for block in blocks {
            work(block)
            for list in block.lists { list.forEach(work) }
        }
    }
}

extension BlockSource {
    /// The lists that it holds.
    var lists: [BlockList] {
        let own: [BlockList] =
            switch body {
            case .transaction(let list): [list]
            case .branch(let branches, _): branches.map(\.body)
            case .loop(let loop): [loop.body]
            case .parallel(let parallel): parallel.branches.map(\.body)
            case .tryBlocks(let attempt):
                [attempt.body] + attempt.catches.map(\.body) + [attempt.finally].compactMap { $0 }
            default: []
            }
        return own + [success, fail].compactMap { $0 }
    }
}

extension BlockBody {
    /// Whether each attempt at the block is one effect with an entry of its own in the journal.
    var isEffect: Bool {
        switch self {
        case .command, .httpRequest, .find, .insert, .upsert, .update, .delete, .transaction, .runFlow, .code, .wait,
            .callbackHandler, .broken:
            true
        case .branch, .setVariables, .tryBlocks, .loop, .parallel, .respond, .fail, .log: false
        }
    }

    /// Whether the block holds others in its own run, whose time together its `timeout` bounds.
    var isMeasuredInside: Bool {
        switch self {
        case .loop(let loop): !loop.hasBranches
        case .branch, .tryBlocks: true
        default: false
        }
    }
}

struct RetrySource {
    var policy: RetryPolicy
    /// `on:`, compiled when the scope is known.
    var on: YAMLNode?
    var range: Range<Int>
}

/// One of the three is there.
struct WaitSource {
    var span: YAMLNode?
    var time: YAMLNode?
    var event: Located<String>?
    var key: YAMLNode?
}

struct BranchSource {
    /// Nil for `else`.
    var when: YAMLNode?
    var body: BlockList
    var range: Range<Int>
}

struct LoopSource {
    /// The list of `for-each`, the condition of `while`.
    var head: YAMLNode?
    /// What the current item is called; nil for `while`.
    var name: Located<String>?
    var collect: YAMLNode?
    var max: Int?
    /// How many turns of `for-each` go on at once.
    var concurrency: Int?
    var onFailure: Located<BranchesBlock.FailureRule>?
    var body: BlockList

    /// Whether each turn is a run of its own.
    var hasBranches: Bool { concurrency != nil || onFailure != nil }
}

struct ParallelSource {
    struct Branch {
        var name: Located<String>
        var body: BlockList
    }

    var branches: [Branch]
    var join: BranchesBlock.Join
    var onFailure: Located<BranchesBlock.FailureRule>?
}

struct TrySource {
    var body: BlockList
    /// A catch without `when` takes every failure.
    var catches: [BranchSource]
    var finally: BlockList?
}

struct RecordSource {
    var table: Located<String>?
    var conditions: YAMLNode?
    var set: YAMLNode?
}

struct OrderSource {
    var column: Located<String>
    var isDescending: Bool
}

struct RespondSource {
    var status: YAMLNode?
    var headers: [YAMLPair]
    var body: YAMLNode?
    var output: YAMLPair?
    /// The first of `status`, `headers` and `body`, for findings.
    var webKey: Range<Int>?
}

struct FailSource {
    var status: YAMLNode?
    var code: YAMLNode?
    var message: YAMLNode?
}

struct CodeBlockSource {
    /// The text in the flow's own file.
    var code: YAMLNode?
    /// The name of a file in `code/`.
    var file: Located<String>?
    /// Names of files in `code/lib/`.
    var libraries: [Located<String>]
    var args: [YAMLPair]
    var returns: [InputDeclaration]
    var limits: CodeLimits
    var usesBigInt: Bool
}
