import Expressions
import FlowEngine
import FlowLanguage

/// What the simulated shop has besides the sample's own flows: a checkout whose parts go on beside each other.
enum SimulatedFlows {
    /// The sample's `app.yaml` with the table that the branches write to.
    static func app(_ bytes: [UInt8]) -> [UInt8] {
        let notes = "\ntables:\n  notes:\n    columns:\n      text: { type: string, unique: true }\n"
        return Array(
            String(decoding: bytes, as: UTF8.self).replacing("\ntables:\n", with: notes, maxReplacements: 1).utf8
        )
    }

    /// One branch asks Stripe, one goes through items, three at a time, and one is a race whose loser has to be stopped.
    static let checkout = """
        flow: checkout-beside
        kind: page
        access: [customer, admin]
        input: { orderId: { type: int } }
        output: { clientSecret: '${ blocks.all.pay.intent.client_secret }', won: '${ blocks.all.race.either.first }' }
        blocks:
          - { id: order, block: find-record, table: orders, where: { id: '${ input.orderId }' } }
          - id: all
            block: parallel
            branches:
              pay:
                - id: intent
                  block: execute-connection-command
                  connection: stripe
                  command: create-payment-intent
                  data: { orderId: '${ input.orderId }', amount: '${ blocks.order.total }' }
              notes:
                - id: each
                  block: for-each
                  each: '[1, 2, 3, 4, 5]'
                  as: number
                  concurrency: 3
                  do:
                    - { block: wait, for: '${ duration(string(number) + "s") }' }
                    - { id: note, block: insert-record, table: notes, set: { text: '${ run.id } ${ number }' } }
                  collect: '${ number }'
              race:
                - id: either
                  block: parallel
                  join: first
                  branches:
                    quick:
                      - { id: soon, block: wait, for: 2s }
                    slow:
                      - { id: late, block: wait, for: 1d }
                      - { id: never, block: insert-record, table: notes, set: { text: '${ run.id } never' } }

        """

    /// What is wrong with the notes that the branches of these runs left.
    static func findings(_ runs: [RunRecord], notes: [ValueMap]) -> [String] {
        let whole = runs.filter { $0.start.flow == "checkout-beside" && $0.start.origin == .page }
        let expected = whole.flatMap { run in (1...5).map { "\(run.id) \($0)" } }.sorted()
        let found = notes.compactMap { $0["text"]?.stringValue }.sorted()
        var findings = found == expected ? [] : ["branches were to note \(expected), and noted \(found)"]
        for run in whole where run.answer?.body["won"] != "quick" {
            findings.append("run \(run.id) was won by the slow one")
        }
        return findings
    }
}
