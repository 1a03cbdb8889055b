import Expressions
import FlowEngine
import FlowLanguage

/// What the simulated shop has besides the sample's own flows: a checkout whose parts go on beside each other.
enum SimulatedFlows {
    /// The sample's `app.yaml` with the table that the branches write to.
    static func app(_ bytes: [UInt8]) -> [UInt8] {
        let notes = "\ntables:\n  notes:\n    columns:\n      text: { type: string, unique: true }"
        let text = String(decoding: bytes, as: UTF8.self)
            .replacing("\ntables:\n", with: notes + SimulatedErrandFlows.tables + "\n", maxReplacements: 1)
            .replacing(
                "\nconnections:\n",
                with: SimulatedErrandFlows.rest + "\nconnections:" + SimulatedErrandFlows.mill + "\n",
                maxReplacements: 1
            )
        return Array(text.utf8)
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

    /// Begins with code, so that a call's first turn ends in it.
    static let checkoutWithCode = """
        flow: checkout-code
        kind: page
        access: [customer, admin]
        input: { orderId: { type: int } }
        output: { clientSecret: '${ blocks.intent.client_secret }', calls: '${ blocks.code }' }
        blocks:
          - id: code
            block: custom-code
            args: { run: '${ run.id }' }
            code: return 'SimulatedCode stands for it'
          - { id: order, block: find-record, table: orders, where: { id: '${ input.orderId }' } }
          - id: intent
            block: execute-connection-command
            connection: stripe
            command: create-payment-intent
            data: { orderId: '${ input.orderId }', amount: '${ blocks.order.total }' }

        """

    /// What is wrong with the notes that the branches and the code of these runs left.
    static func findings(_ runs: [RunRecord], notes: [ValueMap]) -> [String] {
        let called = runs.filter { $0.start.origin == .page }
        let whole = called.filter { $0.start.flow == "checkout-beside" }
        let coded = called.filter { $0.start.flow == "checkout-code" }
        let branches = whole.flatMap { run in (1...5).map { "\(run.id) \($0)" } }
        let calls = coded.flatMap { run in (1...SimulatedCode.calls).map { SimulatedCode.note($0, of: run.id) } }
        let expected = (branches + calls).sorted()
        let own = Set((whole + coded).map { "\($0.id)" })
        let found = notes.compactMap { $0["text"]?.stringValue }
            .filter { own.contains(String($0.prefix { $0 != " " })) }.sorted()
        var findings = found == expected ? [] : ["to be noted was \(expected), and noted was \(found)"]
        for run in whole where run.answer?.body["won"] != "quick" {
            findings.append("run \(run.id) was won by the slow one")
        }
        return findings
    }
}
