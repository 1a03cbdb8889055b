extension FindingExplanations {
    static let code: [FindingCode: Page] = [
        .codeTwice: Page(
            cause: """
                A 'custom-code' block has both 'code', which stands in the flow, and 'file', which names a file of 'code/'.
                """,
            remedy: """
                Keep one. What several blocks need goes into a file of 'code/lib/', named under 'use'.
                """
        ),
        .codeEmpty: Page(
            cause: """
                'code' holds blanks alone.
                """,
            remedy: """
                Write the body of an async function, which ends with 'return', or remove the block.
                """
        ),
        .codeUnknown: Page(
            cause: """
                The block names a file of code that the app does not have. 'file' names one of 'code/', 'use' names files \
                of 'code/lib/'.
                """,
            remedy: """
                Take the name from the note, or write the file. Names end in .js.
                """
        ),
        .codeSyntax: Page(
            cause: """
                The code is not JavaScript: its parser stopped at this place. Nothing of it was run.
                """,
            remedy: """
                Correct it. The text is the body of an async function: 'await' and 'return' may stand in it, 'import', \
                'export' and 'require' may not; shared functions lie in 'code/lib/' and are named under 'use'.
                """
        ),
        .codePageStripe: Page(
            cause: """
                Code of a page flow uses 'stripe' or 'Stripe'. A page flow is started by whoever opens the page, so its \
                code has no client with the app's key.
                """,
            remedy: """
                Use a command of the connection, which has rules of access and of money, or move the code into a cloud \
                flow and start that with 'runFlow'.
                """
        ),
        .codeStripeConnection: Page(
            cause: """
                Code uses 'stripe', the client of the app's connection to Stripe, and the app has no such connection.
                """,
            remedy: """
                Declare one in app.yaml, such as 'connections: { stripe: { service: stripe } }', and set its key with \
                'runnel secrets set'. Or make a client of another connection: 'new Stripe("other")'.
                """
        ),
        .codeKey: Page(
            cause: """
                Code makes a Stripe client with a key that came with the run: from its input, its trigger, a variable or \
                'args'. The block's own entry and its log do not show the key, but the run was started with it, and what a \
                run was started with stands in the journal.
                """,
            remedy: """
                Declare a connection for that account in app.yaml, such as 'connections: { other: { service: stripe } }', \
                set its key with 'runnel secrets set other.test.secretKey', and write 'new Stripe("other")': the key then \
                enters neither the code nor the journal.
                """
        ),
        .codeFetchConnection: Page(
            cause: """
                Code calls 'fetch', and app.yaml has no connection of service http that names a host, or none that the \
                roles of the page may use: every call fails.
                """,
            remedy: """
                Name the host: 'connections: { stock: { service: http, url: "https://stock.example.com" } }', and for a page \
                grant it, 'access: { request: [public] }'. Its 'auth' sends credentials that code never sees.
                """
        ),
    ]
}
