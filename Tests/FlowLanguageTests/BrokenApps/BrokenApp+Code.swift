extension BrokenApp {
    /// Code blocks, as far as no worker is needed to see it.
    static let code: [BrokenApp] = [
        .blocks(
            "a file of code that is not there",
            """
            - id: work
              block: custom-code
              file: 1️⃣prices.js
            """,
            ExpectedFinding("1️⃣", "flow.code.unknown", saying: "there is no file 'code/prices.js'")
        ),
        .blocks(
            "a library that is not there",
            """
            - id: work
              block: custom-code
              use: [1️⃣tax.js]
              code: return 1
            """,
            ExpectedFinding("1️⃣", "flow.code.unknown", saying: "code/lib/tax.js")
        ),
        .blocks(
            "code in the flow and in a file",
            """
            - id: work
              block: custom-code
              code: return 1
              file: 1️⃣prices.js
            """,
            ExpectedFinding("1️⃣", "flow.code.twice")
        ),
        .blocks(
            "no code",
            """
            - id: work
              block: custom-code
              code: 1️⃣" "
            """,
            ExpectedFinding("1️⃣", "flow.code.empty")
        ),
        .blocks(
            "neither code nor a file",
            """
            - id: work
              block: 1️⃣custom-code
            """,
            ExpectedFinding("1️⃣", "key.missing")
        ),
        .blocks(
            "a code block without an id",
            """
            - block: 1️⃣custom-code
              code: return 1
            """,
            ExpectedFinding("1️⃣", "flow.id.missing")
        ),
        .blocks(
            "a limit beyond what there is",
            """
            - id: work
              block: custom-code
              code: return 1
              limits: { memory: 1️⃣4096 }
            """,
            ExpectedFinding("1️⃣", "value.range")
        ),
        .blocks(
            "the Stripe client in a page flow, told at its line",
            """
            - id: work
              block: custom-code
              code: |
                // stripe is only spoken of here, and here: "stripe"
                const text = `stripe ${ args.a } stripe`;
                return 1️⃣stripe.customers.create({ name: text });
            """,
            ExpectedFinding("1️⃣", "flow.code.page-stripe")
        ),
        .blocks(
            "a client of one's own in a page flow",
            """
            - id: work
              block: custom-code
              code: return new 1️⃣Stripe(args.key).balance.retrieve()
            """,
            ExpectedFinding("1️⃣", "flow.code.page-stripe")
        ),
        .blocks(
            "code in a transaction",
            """
            - id: both
              block: transaction
              do:
                - id: work
                  block: 1️⃣custom-code
                  code: return 1
            """,
            ExpectedFinding("1️⃣", "flow.transaction.block")
        ),
    ]
}
