package import Expressions

/// One block of a compiled flow.
package struct Node: Sendable {
    package var index: NodeIndex
    package var path: BlockPath
    /// What `blocks.<id>` calls it; nil when the author gave none.
    package var id: String?
    package var title: String?
    /// Skip the block unless this is true.
    package var when: Expression?
    package var action: BlockAction
    /// Where the run goes on when the block is done or was skipped; nil ends the flow.
    package var next: NodeIndex?
    /// Where the run goes on when the block succeeded, if elsewhere than `next` (`success:`).
    package var success: NodeIndex?
    /// The first block of `fail:`; nil: a failure fails the run (or the enclosing transaction).
    package var failure: Failure
    /// The block whose `fail` list or `catch` a failure of this one comes to; nil: none, or a node that passes it on.
    package var handler: NodeIndex?
    /// The innermost block in whose `fail` list or `catch` this one lies: what that handles is its `error`.
    package var handled: NodeIndex?
    /// The `for-each` blocks that this one lies in, the outermost first.
    package var loops: [NodeIndex] = []
    /// The blocks with a `timeout` that this one lies in, the outermost first.
    package var timed: [NodeIndex] = []
    /// Of an effect, which is attempted again by itself.
    package var retry: RetryPolicy?
    /// The node that attempts a block again which is no one effect.
    package var again: NodeIndex?
    /// What one attempt may take; for a block that holds others, all of them together.
    package var timeout: Duration?
    /// Where the block stands in its file.
    package var range: SourceRange

    package enum Failure: Sendable, Hashable {
        /// No `fail:` was written: the failure is the flow's.
        case propagates
        /// `fail:` was written; an empty list leads straight on to `next`.
        case handled(NodeIndex?)
    }

    package init(
        index: NodeIndex,
        path: BlockPath,
        id: String? = nil,
        title: String? = nil,
        when: Expression? = nil,
        action: BlockAction,
        next: NodeIndex? = nil,
        success: NodeIndex? = nil,
        failure: Failure = .propagates,
        range: SourceRange
    ) {
        self.index = index
        self.path = path
        self.id = id
        self.title = title
        self.when = when
        self.action = action
        self.next = next
        self.success = success
        self.failure = failure
        self.range = range
    }
}

/// What a node does, with its expressions compiled.
package enum BlockAction: Sendable {
    case command(CommandBlock)
    case branch(BranchBlock)
    case callbackHandler
    case code(CodeBlock)
    case setVariables([NamedTemplate])
    case findRecord(FindBlock)
    case findRecords(FindBlock)
    case insertRecord(InsertBlock)
    case upsertRecord(UpsertBlock)
    case updateRecord(UpdateBlock)
    case deleteRecord(DeleteBlock)
    /// Opens a savepoint; `body` is its first block and leads to a node of `.endTransaction`.
    case beginTransaction(body: NodeIndex?, end: NodeIndex)
    /// Closes the savepoint that the node `begin` opened; its path is the transaction's own.
    case endTransaction(begin: NodeIndex)
    /// Goes on with `body`; failures inside lead to a node of `.chooseCatch`.
    case beginTry(body: NodeIndex)
    /// Goes on with the first branch that holds for the failure, else with the node `uncaught`.
    case chooseCatch(BranchBlock, uncaught: NodeIndex)
    /// Keeps the failure that led here until the `try` at `of` ends.
    case holdFailure(of: NodeIndex)
    /// Ends the `try` that the node `begin` began: with the failure that is held, if one is.
    case endTry(begin: NodeIndex)
    case beginLoop(LoopBlock)
    /// Goes on in several runs, each from the entry of its branch to a node of `.endBranch`.
    case beginBranches(BranchesBlock)
    /// Ends the branch with the number `number` of the block at `begin`; for items, every turn.
    case endBranch(begin: NodeIndex, number: Int)
    /// Ends a turn of the loop at `begin`, which begins the next one.
    case endTurn(begin: NodeIndex)
    /// Fails with the failure that led here.
    case rethrow
    /// Leads back to a block before, at most so often in one run; in a loop, in one turn.
    case jumpBack(max: Int)
    /// Leads back to the block at `head`, which failed, after a pause; where its attempts are over, it fails as that did.
    case tryAgain(RetryPolicy, head: NodeIndex)
    case wait(WaitBlock)
    case respond(RespondBlock)
    case fail(FailBlock)
    case log(LogBlock)
    case runFlow(RunFlowBlock)

    /// Whether it only joins the parts of a block, or leads back to one: no author wrote it as a block.
    package var isJoint: Bool {
        switch self {
        case .chooseCatch, .holdFailure, .endTry, .endTurn, .endBranch, .jumpBack, .tryAgain, .rethrow: true
        default: false
        }
    }

    /// All of them that an author can write.
    package static var words: [String] { FlowReader.blockWords }

    /// The word an author writes after `block:`.
    package var word: String {
        switch self {
        case .command(let block): block.word
        case .branch: "conditional-branch"
        case .callbackHandler: "callback-handler"
        case .code: "custom-code"
        case .setVariables: "set-variables"
        case .findRecord: "find-record"
        case .findRecords: "find-records"
        case .insertRecord: "insert-record"
        case .upsertRecord: "upsert-record"
        case .updateRecord: "update-record"
        case .deleteRecord: "delete-record"
        case .beginTransaction, .endTransaction: "transaction"
        case .beginTry, .chooseCatch, .holdFailure, .endTry: "try"
        case .beginLoop(let loop): loop.word
        case .beginBranches(let block): block.word
        case .endBranch: "branch"
        case .endTurn: "turn"
        case .rethrow: "rethrow"
        case .jumpBack: "next"
        case .tryAgain: "retry"
        case .wait: "wait"
        case .respond: "respond"
        case .fail: "fail"
        case .log: "log"
        case .runFlow: "run-flow"
        }
    }
}

package struct NamedTemplate: Sendable {
    package var name: String
    package var value: ValueTemplate

    package init(name: String, value: ValueTemplate) {
        self.name = name
        self.value = value
    }
}

package struct CommandBlock: Sendable {
    package var connection: String
    package var service: String
    package var command: String
    package var data: [NamedTemplate]
    package var effect: Effect

    package init(connection: String, service: String, command: String, data: [NamedTemplate], effect: Effect) {
        self.connection = connection
        self.service = service
        self.command = command
        self.data = data
        self.effect = effect
    }

    /// `http-request` is a command of its service with a block of its own.
    package var word: String { service == "http" ? "http-request" : "execute-connection-command" }
}

package struct BranchBlock: Sendable {
    package struct Branch: Sendable {
        /// Nil for `else`.
        package var when: Expression?
        /// Nil: an empty list, which leads straight on.
        package var entry: NodeIndex?

        package init(when: Expression?, entry: NodeIndex?) {
            self.when = when
            self.entry = entry
        }
    }

    /// What a node is of a block with `mode: all`, which is compiled to a head and a chain of nodes with one branch each.
    package enum Part: Sendable, Hashable {
        case head
        /// `id` is the block's.
        case link(Int, id: String?)
    }

    /// The first that holds is taken.
    package var branches: [Branch]
    /// Nil for a block of its own.
    package var part: Part?

    package init(branches: [Branch], part: Part? = nil) {
        self.branches = branches
        self.part = part
    }
}

/// `where:` of a record block: all conditions must hold.
package struct RecordCondition: Sendable {
    package enum Operator: String, Sendable, Hashable, CaseIterable {
        case equals, not, gt, gte, lt, lte, `in`, isNull, startsWith
    }

    package var column: String
    package var `operator`: Operator
    /// For `in` a list, for `isNull` a bool.
    package var operand: ColumnExpression

    package init(column: String, operator: Operator, operand: ColumnExpression) {
        self.column = column
        self.operator = `operator`
        self.operand = operand
    }
}

/// What is written into or compared with a column: a value of the flow, or arithmetic on the row's own columns.
package indirect enum ColumnExpression: Sendable {
    case value(ValueTemplate)
    /// `record.<column>`
    case column(String)
    case add(ColumnExpression, ColumnExpression)
    case subtract(ColumnExpression, ColumnExpression)
    case multiply(ColumnExpression, ColumnExpression)
}

package struct ColumnAssignment: Sendable {
    package var column: String
    package var value: ColumnExpression

    package init(column: String, value: ColumnExpression) {
        self.column = column
        self.value = value
    }
}

package struct FindBlock: Sendable {
    package struct Order: Sendable, Hashable {
        package var column: String
        package var descending: Bool

        package init(column: String, descending: Bool) {
            self.column = column
            self.descending = descending
        }
    }

    /// The `limit` of who gives none: so many rows are more than may be found.
    package static let unlimited = Limits.rowsPerFind + 1

    package var table: String
    package var conditions: [RecordCondition]
    package var order: [Order]
    /// Rows at most; for `find-record` always 1.
    package var limit: Int

    package init(table: String, conditions: [RecordCondition], order: [Order], limit: Int) {
        self.table = table
        self.conditions = conditions
        self.order = order
        self.limit = limit
    }
}

package struct InsertBlock: Sendable {
    package var table: String
    package var set: [ColumnAssignment]

    package init(table: String, set: [ColumnAssignment]) {
        self.table = table
        self.set = set
    }
}

/// Inserts a row, or changes the one that has the same value in a unique column.
package struct UpsertBlock: Sendable {
    package var table: String
    /// Holds a value for `on`.
    package var set: [ColumnAssignment]
    /// A unique column.
    package var on: String

    package init(table: String, set: [ColumnAssignment], on: String) {
        self.table = table
        self.set = set
        self.on = on
    }
}

package struct UpdateBlock: Sendable {
    package var table: String
    package var conditions: [RecordCondition]
    package var set: [ColumnAssignment]
    /// The number of rows that must change, else the block fails.
    package var expect: Int?

    package init(table: String, conditions: [RecordCondition], set: [ColumnAssignment], expect: Int?) {
        self.table = table
        self.conditions = conditions
        self.set = set
        self.expect = expect
    }
}

package struct DeleteBlock: Sendable {
    package var table: String
    package var conditions: [RecordCondition]
    package var expect: Int?

    package init(table: String, conditions: [RecordCondition], expect: Int?) {
        self.table = table
        self.conditions = conditions
        self.expect = expect
    }
}

/// A list that is passed several times, one turn behind the other.
package struct LoopBlock: Sendable {
    package enum Kind: Sendable, Hashable {
        /// Once for each item of the list that `head` gives.
        case each
        /// As long as `head` holds; more than `max` turns are a failure.
        case `while`(max: Int)
    }

    package var kind: Kind
    package var head: Expression
    /// The first node of a turn.
    package var body: NodeIndex
    /// The ids inside, which are forgotten from turn to turn.
    package var ids: [String]
    /// The nodes inside that count jumps backwards: each turn has all of them before it.
    package var jumps: [NodeIndex] = []
    /// What each turn hands on to `items`.
    package var collect: ValueTemplate?
    /// What the author calls the item of a turn; nil in a `while`.
    package var item: String?

    package init(kind: Kind, head: Expression, body: NodeIndex, ids: [String], collect: ValueTemplate? = nil) {
        self.kind = kind
        self.head = head
        self.body = body
        self.ids = ids
        self.collect = collect
    }

    package var word: String { kind == .each ? "for-each" : "while" }
}

package struct RespondBlock: Sendable {
    /// Web hooks.
    package var status: ValueTemplate?
    package var headers: [NamedTemplate]
    package var body: ValueTemplate?
    /// Page flows.
    package var output: [NamedTemplate]?

    package init(
        status: ValueTemplate? = nil,
        headers: [NamedTemplate] = [],
        body: ValueTemplate? = nil,
        output: [NamedTemplate]? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.output = output
    }
}

package struct FailBlock: Sendable {
    /// An HTTP status, 400–599.
    package var status: ValueTemplate?
    package var code: ValueTemplate?
    package var message: ValueTemplate

    package init(status: ValueTemplate?, code: ValueTemplate?, message: ValueTemplate) {
        self.status = status
        self.code = code
        self.message = message
    }
}

package struct LogBlock: Sendable {
    package enum Level: String, Sendable, Hashable, CaseIterable {
        case debug, info, warning, error
    }

    package var level: Level
    package var message: ValueTemplate
    package var fields: [NamedTemplate]

    package init(level: Level, message: ValueTemplate, fields: [NamedTemplate]) {
        self.level = level
        self.message = message
        self.fields = fields
    }
}

package struct RunFlowBlock: Sendable {
    package enum Mode: String, Sendable, Hashable, CaseIterable {
        case wait, start
    }

    package var flow: String
    package var input: [NamedTemplate]
    package var mode: Mode

    package init(flow: String, input: [NamedTemplate], mode: Mode) {
        self.flow = flow
        self.input = input
        self.mode = mode
    }
}
