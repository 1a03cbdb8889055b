import Testing

extension BrokenApp {
    /// Values of which the declaration says more than the type: optional ones, decimals, enums, and amounts.
    static let declarations: [BrokenApp] = optionals + decimals + choices + amounts + money

    private static func set(_ name: String, _ lines: String, _ expected: [ExpectedFinding]) -> BrokenApp {
        let head = """
            flow: test
            kind: page
            access: [customer]
            input:
              n: { type: int }
              o: { type: int, optional: true }
              t: { type: timestamp, optional: true }
              s: { type: string, optional: true }
              x: { type: decimal }
              y: { type: decimal, optional: true }
            blocks:
              - id: order
                block: find-record
                table: orders
                where: { id: '${ input.n }' }
              - block: set-variables
                set:

            """
        let indented = lines.split(separator: "\n").map { "      " + $0 }
        return BrokenApp(name: name, flow: head + indented.joined(separator: "\n") + "\n", expected: expected)
    }

    private static let optionals: [BrokenApp] = [
        set(
            "an optional value used as what it never is",
            """
            equal: ${ input.o 1️⃣== "7" }
            within: ${ input.o 2️⃣in ["7"] }
            times: ${ input.o 3️⃣* 0.19 }
            plus: ${ input.o 4️⃣+ "x" }
            field: ${ input.o.5️⃣foo }
            before: ${ input.t 6️⃣< "2026-11-20" }
            column: ${ blocks.order.note 7️⃣> 5 }
            known: ${ input.o.8️⃣orValue(0) }
            """,
            [
                ExpectedFinding("1️⃣", "expression.type-mismatch", saying: "int or null"),
                ExpectedFinding("2️⃣", "expression.type-mismatch"),
                ExpectedFinding("3️⃣", "expression.type-mismatch", saying: "money.scale(input.o, '0.19'"),
                ExpectedFinding("4️⃣", "expression.type-mismatch", saying: "string(input.o)"),
                ExpectedFinding("5️⃣", "expression.no-fields"),
                ExpectedFinding("6️⃣", "expression.type-mismatch", saying: "timestamp("),
                ExpectedFinding("7️⃣", "expression.type-mismatch"),
                ExpectedFinding("8️⃣", "expression.type-mismatch", saying: "input.o == null ? 0 : input.o"),
            ]
        ),
        set(
            "optional values used as null or as what they are",
            """
            given: '${ input.o == null ? 0 : input.o }'
            large: ${ input.o != null && input.o > 5 && input.o in [6, 7] }
            sum: ${ input.o + input.n }
            join: ${ [input.n, input.o].exists(v, v == null) }
            text: ${ input.?s.orValue('') + 'x' }
            late: ${ input.t == null || input.t < now }
            note: ${ blocks.order.note != null && blocks.order.note.startsWith('a') }
            most: ${ math.greatest(input.o, 0) }
            wrong: ${ input.n 1️⃣== null }
            """,
            [ExpectedFinding("1️⃣", "expression.never-null")]
        ),
    ]

    private static let decimals: [BrokenApp] = [
        set(
            "decimals compared and joined as texts",
            """
            most: ${ input.x 1️⃣<= input.y }
            text: ${ input.x 2️⃣> '2' }
            number: ${ input.x 3️⃣> 2.0 }
            sum: ${ input.x 4️⃣+ input.y }
            tax: ${ input.x 5️⃣* 0.19 }
            part: ${ input.n 6️⃣* input.x }
            same: ${ input.x 7️⃣== input.y }
            free: ${ input.x 8️⃣!= '0.00' }
            one: ${ input.x 9️⃣in ['1', '2'] }
            """,
            [
                ExpectedFinding("1️⃣", "expression.decimal", saying: "double(input.x) <= double(input.y)"),
                ExpectedFinding("2️⃣", "expression.decimal", saying: "double(input.x) > 2.0"),
                ExpectedFinding("3️⃣", "expression.type-mismatch", saying: "double(input.x) > 2.0"),
                ExpectedFinding("4️⃣", "expression.decimal", saying: "double(input.x) + double(input.y)"),
                ExpectedFinding("5️⃣", "expression.type-mismatch", saying: "double(input.x) * 0.19"),
                ExpectedFinding("6️⃣", "expression.type-mismatch", saying: "money.scale(input.n, input.x, 'half-even')"),
                ExpectedFinding("7️⃣", "expression.decimal", saying: "double(input.x) == double(input.y)"),
                ExpectedFinding("8️⃣", "expression.decimal"),
                ExpectedFinding("9️⃣", "expression.decimal"),
            ]
        ),
        set(
            "decimals sorted as texts",
            "sorted: ${ [input.x].sortBy(d, 1️⃣d) }",
            [ExpectedFinding("1️⃣", "expression.decimal", saying: "double(d)")]
        ),
        set(
            "decimals used as the texts that they are",
            """
            shown: ${ input.x + ' EUR' }
            given: ${ input.y == null || input.x == '' }
            large: ${ double(input.x) > 2.0 }
            minor: ${ money.minor(input.x, 'usd') + 1 }
            amount: ${ money.1️⃣format(input.x, 'eur') }
            """,
            [ExpectedFinding("1️⃣", "expression.no-overload", saying: "money.minor(input.x, 'eur')")]
        ),
    ]

    private static let choices: [BrokenApp] = [
        set(
            "a text that the value never is",
            """
            paid: ${ blocks.order.status == 1️⃣'PAYED' }
            open: ${ blocks.order.status in ['NEW', 2️⃣'OPEN'] }
            mode: ${ run.mode == 3️⃣'production' }
            role: ${ 4️⃣'admni' in run.caller.roles }
            some: ${ run.caller.roles.exists(r, r == 5️⃣'custmer') }
            fine: ${ blocks.order.status == 'PAID' && run.mode != 'live' && 'customer' in run.caller.roles }
            either: "${ (input.n > 0 ? blocks.order.status : 'NONE') == 'NONE' }"
            """,
            [
                ExpectedFinding("1️⃣", "expression.never-equal", saying: "PAID"),
                ExpectedFinding("2️⃣", "expression.never-equal", saying: "NEW, PAID, REFUNDED, FAILED"),
                ExpectedFinding("3️⃣", "expression.never-equal", saying: "test, live"),
                ExpectedFinding("4️⃣", "expression.never-equal", saying: "did you mean 'admin'?"),
                ExpectedFinding("5️⃣", "expression.never-equal", saying: "did you mean 'customer'?"),
            ]
        ),
        .flow(
            "a state that a payment never has",
            """
            flow: test
            kind: cloud
            trigger: { payment: completed }
            blocks:
              - id: handler
                block: callback-handler
              - block: log
                when: blocks.handler.paymentStatus == 1️⃣'SUCCEDED' && !blocks.handler.callbackProcessed
                message: paid
            """,
            ExpectedFinding("1️⃣", "expression.never-equal", saying: "did you mean 'SUCCEEDED'?")
        ),
        .flow(
            "a state that a row never has",
            """
            flow: test
            kind: cloud
            trigger: { table: { name: orders, on: [update] } }
            blocks:
              - block: log
                when: trigger.new.status == 1️⃣'SUCCEEDED'
                message: paid
            """,
            ExpectedFinding("1️⃣", "expression.never-equal", saying: "'SUCCEEDED'")
        ),
        .blocks(
            "a variable that holds other texts in later turns",
            """
            - id: order
              block: find-record
              table: orders
              where: { id: '${ input.orderId }' }
            - block: set-variables
              set: { state: '${ blocks.order.status }' }
            - block: while
              while: vars.state != 'DONE'
              max: 3
              do:
                - block: set-variables
                  set: { state: DONE, 1️⃣2nd: 1 }
            """,
            ExpectedFinding("1️⃣", "name.identifier")
        ),
    ]

    private static let amounts: [BrokenApp] = [
        intent("an amount in quotes", "'19.99'", "1999, or ${ money.minor('19.99', 'usd') }"),
        intent("an amount with a fraction", "19.99", "1999, or ${ money.minor('19.99', 'usd') }"),
        intent("an amount with one decimal", "19.5", "1950, or ${ money.minor('19.5', 'usd') }"),
        intent("a whole amount in quotes", "'1999'", "remove the quotes"),
        intent("an amount as a text of an expression", "\"${ 1️⃣'19.99' }\"", "money.minor('19.99', 'usd')"),
        intent("an amount as a fraction of an expression", "${ 1️⃣19.99 }", "money.minor('19.99', 'usd')"),
        intent("an amount from a text", "${ 1️⃣input.name }", "money.minor(…, 'usd')"),
        set(
            "amounts divided and formatted",
            """
            cents: ${ input.n 1️⃣/ 100.0 }
            net: ${ input.n 2️⃣/ 1.25 }
            shown: ${ money.3️⃣format('19.99','eur') }
            whole: ${ 4️⃣int('19.99') }
            """,
            [
                ExpectedFinding("1️⃣", "expression.type-mismatch", saying: "money.scale(input.n, '0.01', 'half-even')"),
                ExpectedFinding("2️⃣", "expression.type-mismatch", saying: "money.scale(input.n, '0.8', 'half-even')"),
                ExpectedFinding("3️⃣", "expression.no-overload", saying: "money.minor('19.99', 'eur')"),
                ExpectedFinding("4️⃣", "expression.constant", saying: "money.minor('19.99', 'usd')"),
            ]
        ),
        set(
            "constants that a function cannot read",
            """
            day: ${ now + 1️⃣duration('1d') }
            start: ${ now > 2️⃣timestamp('2026-11-20') }
            local: ${ now > 3️⃣timestamp('2026-11-20T12:00:00') }
            """,
            [
                ExpectedFinding("1️⃣", "expression.constant", saying: "duration('24h')"),
                ExpectedFinding("2️⃣", "expression.constant", saying: "timestamp('2026-11-20T00:00:00Z')"),
                ExpectedFinding("3️⃣", "expression.constant", saying: "timestamp('2026-11-20T12:00:00Z')"),
            ]
        ),
    ]

    private static let money: [BrokenApp] = [
        .blocks(
            "amounts and currencies that no payment has",
            """
            - id: one
              block: execute-connection-command
              connection: stripe
              command: create-payment-intent
              data: { orderId: 1, amount: 1️⃣-5, currency: 2️⃣dollars }
            - id: two
              block: execute-connection-command
              connection: stripe
              command: create-payment-intent
              data: { orderId: 1, amount: 3️⃣0, currency: 4️⃣eru }
            - id: three
              block: execute-connection-command
              connection: stripe
              command: create-payment-intent
              data: { orderId: 1, amount: 500, currency: EUR }
            """,
            ExpectedFinding("1️⃣", "value.range", saying: "greater than zero"),
            ExpectedFinding("2️⃣", "app.currency", saying: "three letters"),
            ExpectedFinding("3️⃣", "value.range"),
            ExpectedFinding("4️⃣", "app.currency", saying: "did you mean")
        ),
        .blocks(
            "a fraction for a column of amounts",
            """
            - id: order
              block: insert-record
              table: orders
              set: { email: a@example.com, total: 1️⃣'19.99' }
            """,
            ExpectedFinding("1️⃣", "type.constant", saying: "money.minor('19.99', 'usd')")
        ),
    ]

    private static func intent(_ name: String, _ amount: String, _ saying: String) -> BrokenApp {
        let isExpression = amount.contains("${")
        var value = isExpression ? amount : "1️⃣" + amount
        if amount.hasPrefix("$") { value = "'\(value)'" }
        return .blocks(
            name,
            """
            - id: intent
              block: execute-connection-command
              connection: stripe
              command: create-payment-intent
              data: { orderId: 1, amount: \(value) }
            """,
            ExpectedFinding("1️⃣", isExpression ? "type.mismatch" : "type.constant", saying: saying)
        )
    }
}
