/// Flows that several suites run.
enum SampleFlows {
    static let threeBlocks = """
        flow: f
        kind: page
        access: [customer]
        input: { name: { type: string } }
        output: { status: '${ blocks.after.status }' }
        blocks:
          - id: order
            block: insert-record
            table: orders
            set: { name: '${ input.name }', total: 100 }
          - id: paid
            block: update-record
            table: orders
            where: { id: '${ blocks.order.id }' }
            set: { status: PAID }
            expect: 1
          - id: after
            block: find-record
            table: orders
            where: { id: '${ blocks.order.id }' }
        """

    static let charge = """
        flow: f
        kind: page
        access: [customer]
        output: { status: '${ blocks.pay.status }' }
        blocks:
          - id: order
            block: insert-record
            table: orders
            set: { name: 'run ${ run.id }', total: 100 }
          - id: pay
            block: execute-connection-command
            connection: bank
            command: charge
            data: { amount: '${ blocks.order.total }' }
          - id: paid
            block: update-record
            table: orders
            where: { id: '${ blocks.order.id }' }
            set: { status: PAID }
            expect: 1
        """

    static func command(_ name: String) -> String {
        """
        flow: f
        kind: page
        access: [customer]
        output: { status: '${ blocks.pay.status }', exchanges: '${ blocks.pay.exchanges }' }
        blocks:
          - id: pay
            block: execute-connection-command
            connection: bank
            command: \(name)
            data: { amount: 100 }
        """
    }

    static let transaction = """
        flow: f
        kind: page
        access: [customer]
        output: { why: "${ vars.?why.orValue('none') }" }
        blocks:
          - id: both
            block: transaction
            do:
              - id: first
                block: insert-record
                table: lines
                set: { text: one }
              - id: second
                block: update-record
                table: lines
                where: { text: nothing }
                set: { text: two }
                expect: 1
            fail:
              - block: set-variables
                set: { why: '${ error.code } at ${ error.block }' }
          - id: behind
            block: insert-record
            table: lines
            set: { text: behind }
        """

    static let parent = """
        flow: f
        kind: page
        access: [customer]
        output: { child: '${ blocks.child.status }' }
        blocks:
          - id: child
            block: run-flow
            flow: child
            input: { amount: 5 }
            mode: wait
        """

    static let child = """
        flow: child
        kind: page
        access: [customer]
        input: { amount: { type: int } }
        output: { status: '${ blocks.pay.status }' }
        blocks:
          - id: pay
            block: execute-connection-command
            connection: bank
            command: charge
            data: { amount: '${ input.amount }' }
        """
}
