/// What customers do beside buying: one flow for each way in which a run waits, repeats, begins others or gives up.
///
/// Each notes what it does under a name that no other run can have: a block that is done twice breaks a rule of the table.
enum SimulatedErrandFlows {
    static let tables = """

          parcels:
            columns:
              name: { type: string, unique: true }
          tallies:
            columns:
              name:  { type: string, unique: true }
              last:  { type: string, default: '' }
              count: { type: int, min: 0, default: 0 }
        """

    static let rest = """

        events:
          parcel: { access: [customer, admin] }
        """

    static let mill = """

          mill: { service: http, url: 'https://mill.example.com', access: { request: [customer, admin] } }
        """

    /// By name, in the order of the names.
    static let all: [(name: String, text: String)] = [
        ("errand-code", code), ("errand-hook", hook), ("errand-late", late), ("errand-leaf", leaf),
        ("errand-mill", grind), ("errand-nest", nest), ("errand-parcel", parcel), ("errand-queue", queue),
        ("errand-restock", restock), ("errand-take", take), ("errand-tick", tick), ("errand-watch", watch),
    ]

    private static func page(_ name: String, _ settings: String = "", blocks: String) -> String {
        """
        flow: \(name)
        kind: page
        access: [customer, admin]
        input: { key: { type: string } }
        output: { run: '${ run.id }' }
        \(settings)
        blocks:
        \(blocks)

        """
    }

    /// Waits for an event that may come in time, late, twice or never.
    private static let parcel = page(
        "errand-parcel",
        blocks: """
              - { id: begun, block: insert-record, table: notes, set: { text: '${ run.id } begun' } }
              - id: parcel
                block: wait
                event: parcel
                key: '${ input.key }'
                timeout: 1m
                fail:
                  - { block: set-variables, set: { seen: late }, next: noted }
              - { block: set-variables, set: { seen: got } }
              - { id: noted, block: insert-record, table: notes, set: { text: '${ run.id } ${ vars.seen }' } }
            """
    )

    /// Begins sub-flows: it waits for one, not for the next, and for the last not long enough.
    private static let nest = page(
        "errand-nest",
        blocks: """
              - { id: waited, block: run-flow, flow: errand-leaf, input: { from: '${ run.id } waited' }, mode: wait }
              - { id: started, block: run-flow, flow: errand-leaf, input: { from: '${ run.id } started' }, mode: start }
              - id: hurried
                block: run-flow
                flow: errand-leaf
                input: { from: '${ run.id } hurried' }
                mode: wait
                timeout: 2s
                fail:
                  - { block: log, message: too late }
              - { id: done, block: insert-record, table: notes, set: { text: '${ run.id } done' } }
            """
    )

    private static let leaf = """
        flow: errand-leaf
        kind: cloud
        trigger: { manual: true }
        input: { from: { type: string } }
        output: { did: '${ input.from }' }
        blocks:
          - { id: parcel, block: insert-record, table: parcels, set: { name: '${ input.from }' } }
          - { id: rest, block: wait, for: 3s }
          - { id: done, block: insert-record, table: notes, set: { text: '${ run.id } done' } }

        """

    /// Started by each row of `parcels`, within the transaction that inserts it.
    private static let watch = """
        flow: errand-watch
        kind: cloud
        trigger: { table: { name: parcels, on: [insert] } }
        blocks:
          - id: seen
            block: upsert-record
            table: tallies
            on: name
            set: { name: parcels, last: '${ trigger.new.name }' }
          - id: more
            block: update-record
            table: tallies
            where: { name: parcels }
            set: { count: '${ record.count + 1 }' }
            expect: 1

        """

    /// One at a time for each key.
    private static let queue = page(
        "errand-queue",
        "concurrency: { key: input.key, limit: 1 }",
        blocks: """
              - { id: begun, block: insert-record, table: notes, set: { text: '${ run.id } begun' } }
              - { id: rest, block: wait, for: 2s }
              - { id: done, block: insert-record, table: notes, set: { text: '${ run.id } done' } }
            """
    )

    /// Tries again and again, until `errand-restock` has run; and undoes a transaction.
    private static let take = page(
        "errand-take",
        blocks: """
              - id: less
                block: update-record
                table: tallies
                where: { name: '${ input.key }', count: { gte: 1 } }
                set: { count: '${ record.count - 1 }' }
                expect: 1
                retry: { attempts: 60, first: 1s, factor: 2, max: 20s, jitter: 0.2, on: "error.code == 'expectation_failed'" }
              - id: undone
                block: transaction
                do:
                  - { id: gone, block: insert-record, table: notes, set: { text: '${ run.id } gone' } }
                  - { block: fail, error: { status: 409, code: undone, message: undone } }
                fail:
                  - { block: log, message: undone }
              - id: both
                block: transaction
                do:
                  - { id: one, block: insert-record, table: notes, set: { text: '${ run.id } one' } }
                  - { id: two, block: insert-record, table: notes, set: { text: '${ run.id } two' } }
            """
    )

    private static let restock = page(
        "errand-restock",
        blocks: """
              - { id: there, block: upsert-record, table: tallies, on: name, set: { name: '${ input.key }', last: '' } }
              - id: more
                block: update-record
                table: tallies
                where: { name: '${ input.key }' }
                set: { count: '${ record.count + 1 }' }
                expect: 1
            """
    )

    /// Would go on for minutes and has 15 s.
    private static let late = page(
        "errand-late",
        "timeout: 15s",
        blocks: """
              - id: rounds
                block: while
                while: 'true'
                max: 50
                do:
                  - { id: rest, block: wait, for: 4s }
                  - { id: note, block: insert-record, table: notes, set: { text: '${ run.id } at ${ now }' } }
            """
    )

    /// Asks a service that is often out of order, and refuses now and then for good.
    private static let grind = page(
        "errand-mill",
        blocks: """
              - id: grind
                block: http-request
                connection: mill
                method: POST
                path: /grind
                effect: keyed
                body: { run: '${ run.id }' }
                retry: { attempts: 20, first: 1s, factor: 2, max: 30s, jitter: 0.2, on: "error.status == 422" }
              - { id: ground, block: insert-record, table: notes, set: { text: '${ run.id } ground' } }
            """
    )

    /// `SimulatedCode` stands for it.
    private static let code = page(
        "errand-code",
        blocks: """
              - id: code
                block: custom-code
                args: { run: '${ run.id }', errand: true }
                code: return 'SimulatedCode stands for it'
              - { id: done, block: insert-record, table: notes, set: { text: '${ run.id } done' } }
            """
    )

    private static let hook = """
        flow: errand-hook
        kind: cloud
        trigger: { webhook: { method: POST, auth: none, eventId: trigger.body.id, answer: when-finished } }
        blocks:
          - { id: note, block: insert-record, table: notes, set: { text: 'hook ${ trigger.body.id }' } }
          - { id: rest, block: wait, for: 1s }
          - { id: done, block: insert-record, table: notes, set: { text: '${ run.id } done' } }

        """

    private static let tick = """
        flow: errand-tick
        kind: cloud
        trigger: { schedule: { every: 4m, missed: all } }
        blocks:
          - { id: note, block: insert-record, table: notes, set: { text: 'tick ${ trigger.scheduledAt }' } }

        """
}
