package import FlowEngine

/// One kind of block under the crash matrix: a flow in which it stands between two marks.
///
/// **A new kind of block gets a line in `BlockKind.all`**: its YAML, and what it can pass. Everything else (calling,
/// killing, restarting, comparing, the table) follows from that.
package struct BlockKind: Sendable {
    /// What a flow of this kind does, besides writing entries: which failpoints it must pass.
    package enum Trait: Sendable, Hashable {
        /// Sends a request whose first answer is lost, so that it is sent again.
        case sendsRequest
        /// Waits for another run.
        case waitsForChild
        /// Leaves memory for a due time by itself.
        case sleeps
        /// Lets time pass between two attempts.
        case retries
        /// Leaves memory until somebody sends an event.
        case awaitsEvent
    }

    package let name: String
    /// The list of blocks between the marks, each line as in a flow's `blocks:`.
    let blocks: String
    let traits: Set<Trait>
    /// The flow's declared output.
    let output: String
    /// A further line of the flow itself.
    let settings: String?

    init(
        _ name: String,
        _ traits: Set<Trait> = [],
        output: String = "'${ blocks.before.id }'",
        settings: String? = nil,
        blocks: String
    ) {
        self.name = name
        self.output = output
        self.settings = settings
        self.blocks = blocks
        self.traits = traits
    }

    /// Why a flow of this kind never passes a failpoint; nil when it must.
    package func reason(against point: Failpoint) -> String? {
        switch point {
        case .keyBeforeCommit, .keyOnDisk, .sendBefore, .sendAfter, .receiveBeforeCommit, .receiveAfterCommit:
            traits.contains(.sendsRequest) ? nil : "sends nothing"
        case .retryBeforeCommit, .retryAfterCommit:
            traits.isDisjoint(with: [.sendsRequest, .retries]) ? "attempts nothing again" : nil
        case .childBeforeCommit:
            traits.contains(.waitsForChild) ? nil : "waits for no run"
        case .childAfterCommit:
            traits.isDisjoint(with: [.waitsForChild, .sleeps, .awaitsEvent]) ? "waits for nothing" : nil
        case .timerBefore:
            traits.isDisjoint(with: [.sendsRequest, .sleeps, .retries]) ? "is never due later" : nil
        case .ingestBeforeCommit, .ingestAfterCommit, .answerBefore, .claimBeforeCommit, .claimAfterCommit,
            .entryBeforeCommit, .turnAfterCommit, .finishBeforeCommit, .finishAfterCommit, .pruneBeforeCommit,
            .pruneAfterCommit:
            nil
        }
    }

    /// The whole flow, named like the kind.
    var flow: String {
        """
        flow: \(name)
        kind: page
        access: [customer]
        output: { done: \(output) }
        \(settings ?? "title: a flow of the crash matrix")
        blocks:
          - id: before
            block: insert-record
            table: lines
            set: { text: 'before ${ run.id }' }
        \(blocks)
          - id: after
            block: insert-record
            table: lines
            set: { text: 'after ${ run.id }' }

        """
    }
}

extension BlockKind {
    package static let all: [BlockKind] = records + control + branches + timing + outside + further

    private static let records = [
        BlockKind(
            "insert-record",
            blocks: """
                  - id: under
                    block: insert-record
                    table: orders
                    set: { name: 'run ${ run.id }', total: 5 }
                """
        ),
        BlockKind(
            "upsert-record",
            blocks: """
                  - id: under
                    block: upsert-record
                    table: orders
                    on: name
                    set: { name: 'run ${ run.id }', total: 5 }
                  - id: again
                    block: upsert-record
                    table: orders
                    on: name
                    set: { name: 'run ${ run.id }', total: 6 }
                """
        ),
        BlockKind(
            "update-record",
            blocks: """
                  - id: under
                    block: update-record
                    table: counters
                    where: { name: only }
                    set: { value: '${ record.value + 1 }' }
                    expect: 1
                """
        ),
        BlockKind(
            "delete-record",
            blocks: """
                  - id: under
                    block: delete-record
                    table: lines
                    where: { id: '${ blocks.before.id }' }
                    expect: 1
                """
        ),
        BlockKind(
            "find-record",
            blocks: """
                  - id: under
                    block: find-record
                    table: counters
                    where: { name: only }
                """
        ),
        BlockKind(
            "find-records",
            blocks: """
                  - id: under
                    block: find-records
                    table: lines
                    where: { id: { gte: 1 } }
                    limit: 5
                """
        ),
        BlockKind(
            "transaction",
            blocks: """
                  - id: under
                    block: transaction
                    do:
                      - id: order
                        block: insert-record
                        table: orders
                        set: { name: 'run ${ run.id }', total: 5 }
                      - id: count
                        block: update-record
                        table: counters
                        where: { name: only }
                        set: { value: '${ record.value + 1 }' }
                        expect: 1
                """
        ),
        BlockKind(
            "transaction-undone",
            blocks: """
                  - id: under
                    block: transaction
                    do:
                      - id: count
                        block: update-record
                        table: counters
                        where: { name: only }
                        set: { value: '${ record.value + 1 }' }
                      - id: never
                        block: update-record
                        table: counters
                        where: { name: nobody }
                        set: { value: 1 }
                        expect: 1
                    fail:
                      - id: instead
                        block: insert-record
                        table: lines
                        set: { text: 'undone ${ run.id }' }
                """
        ),
    ]

    private static let control = [
        BlockKind(
            "conditional-branch",
            blocks: """
                  - id: under
                    block: conditional-branch
                    branches:
                      - when: blocks.before.id > 0
                        do:
                          - id: taken
                            block: insert-record
                            table: lines
                            set: { text: 'taken ${ run.id }' }
                """
        ),
        BlockKind(
            "set-variables-and-log",
            blocks: """
                  - block: set-variables
                    set: { doubled: '${ blocks.before.id * 2 }' }
                  - block: log
                    message: 'doubled ${ vars.doubled }'
                """
        ),
        BlockKind(
            "respond",
            output: "{ type: int }",
            blocks: """
                  - block: respond
                    output: { done: '${ blocks.before.id }' }
                """
        ),
        BlockKind(
            "fail-handled",
            blocks: """
                  - id: under
                    block: find-record
                    table: lines
                    where: { text: nothing }
                    fail:
                      - id: instead
                        block: insert-record
                        table: lines
                        set: { text: 'not found ${ run.id }' }
                """
        ),
        BlockKind(
            "for-each",
            blocks: """
                  - id: under
                    block: for-each
                    each: '[1, 2, 3]'
                    as: item
                    do:
                      - id: turn
                        block: update-record
                        table: counters
                        where: { name: only }
                        set: { value: '${ record.value + item }' }
                """
        ),
        BlockKind(
            "while",
            blocks: """
                  - block: set-variables
                    set: { left: 2 }
                  - id: under
                    block: while
                    while: vars.left > 0
                    max: 5
                    do:
                      - id: turn
                        block: update-record
                        table: counters
                        where: { name: only }
                        set: { value: '${ record.value + 1 }' }
                      - block: set-variables
                        set: { left: '${ vars.left - 1 }' }
                """
        ),
        BlockKind(
            "try",
            blocks: """
                  - block: try
                    do:
                      - id: missing
                        block: find-record
                        table: lines
                        where: { text: nothing }
                    catch:
                      - when: error.code == 'not_found'
                        do:
                          - id: caught
                            block: insert-record
                            table: lines
                            set: { text: 'caught ${ run.id }' }
                    finally:
                      - id: finally
                        block: insert-record
                        table: lines
                        set: { text: 'finally ${ run.id }' }
                """
        ),
        BlockKind(
            "run-flow-wait",
            [.waitsForChild],
            blocks: """
                  - id: under
                    block: run-flow
                    flow: child
                    input: { text: 'child of ${ run.id }' }
                    mode: wait
                """
        ),
        BlockKind(
            "run-flow-start",
            blocks: """
                  - id: under
                    block: run-flow
                    flow: child
                    input: { text: 'started by ${ run.id }' }
                    mode: start
                """
        ),
    ]

    private static let timing = [
        BlockKind(
            "wait",
            [.sleeps],
            blocks: """
                  - id: under
                    block: wait
                    for: 1m
                """
        ),
        BlockKind(
            "retry",
            [.retries],
            blocks: """
                  - id: under
                    block: transaction
                    do:
                      - id: undone
                        block: insert-record
                        table: lines
                        set: { text: 'undone ${ run.id }' }
                      - id: missing
                        block: find-record
                        table: lines
                        where: { text: nothing }
                    retry: { attempts: 3, first: 5s, factor: 2, on: "error.code == 'not_found'" }
                    fail:
                      - id: missed
                        block: insert-record
                        table: lines
                        set: { text: 'missed ${ run.id }' }
                """
        ),
    ]

    private static let outside = [
        BlockKind(
            "execute-connection-command",
            [.sendsRequest],
            blocks: """
                  - id: order
                    block: insert-record
                    table: orders
                    set: { name: 'run ${ run.id }', total: 500 }
                  - id: under
                    block: execute-connection-command
                    connection: stripe
                    command: create-payment-intent
                    data: { orderId: '${ blocks.order.id }', amount: 500 }
                """
        )
    ]
}
