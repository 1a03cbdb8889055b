extension FindingExplanations {
    static let http: [FindingCode: Page] = [
        .httpURL: Page(
            cause: """
                A URL here is http:// or https://, a host, perhaps a port and a path. A user name in it would be a \
                secret in a file.
                """,
            remedy: """
                Write it as 'https://stock.example.com/v1'; name credentials under 'auth', parameters under 'query'.
                """
        ),
        .httpAllow: Page(
            cause: """
                'allow' lists where the requests of a connection, and the redirects they meet, may go besides the \
                connection's own host. A host opens no inner address: loopback and private networks are refused until \
                their addresses are listed too. Link-local addresses cannot be.
                """,
            remedy: """
                List hosts (stock.example.com, *.example.com, stock.example.com:8443) and, for a service inside, its \
                addresses (10.2.0.0/16, 127.0.0.1).
                """
        ),
        .httpAuthentication: Page(
            cause: """
                The credentials of a connection are secrets. 'auth' names one; its value is kept sealed, for test and \
                live mode apart, and is shown to the connection's own origin alone, never to where a redirect leads.
                """,
            remedy: """
                Write auth: { bearer: stock.token }, { basic: stock.login } (user:password) or \
                { header: X-Api-Key, secret: stock.key }, and set it with 'runnel secrets set stock.test.token'.
                """
        ),
        .httpPlain: Page(
            cause: """
                Over http, whoever sits on the way reads the secret.
                """,
            remedy: """
                Use https.
                """
        ),
        .httpLimit: Page(
            cause: """
                Each request has a bound in time and its answer one in bytes, after decompression, because answers \
                are kept in the journal.
                """,
            remedy: """
                Take a 'timeout' of at most 120s and 'maxBytes' of at most 16777216.
                """
        ),
        .httpTarget: Page(
            cause: """
                A request goes to a connection of the service 'http', which has a URL and perhaps credentials, or to a \
                whole 'url' without any.
                """,
            remedy: """
                Give 'connection' and 'path', or 'url' alone.
                """
        ),
        .httpPath: Page(
            cause: """
                The path begins with '/', holds no query and no step upwards. What expressions give inside it is \
                encoded, so a value can never reach beyond its own step.
                """,
            remedy: """
                Write '/items/${ input.sku }', with parameters under 'query'.
                """
        ),
        .httpHost: Page(
            cause: """
                The host of the URL comes from an expression. Inner addresses are refused all the same, but whoever \
                gives the value decides who is called and what they are told.
                """,
            remedy: """
                If only a few hosts are meant, declare a connection with 'allow' and give it the URL; otherwise check \
                the value before.
                """
        ),
        .httpHeader: Page(
            cause: """
                Headers that frame the message are the transport's, and headers that carry credentials would stand in \
                the journal.
                """,
            remedy: """
                Name a secret under 'auth' of the connection; leave the others out.
                """
        ),
        .httpBody: Page(
            cause: """
                Servers and proxies disagree about bodies of GET, HEAD and OPTIONS.
                """,
            remedy: """
                Use 'query', or a method that takes a body.
                """
        ),
        .httpExpect: Page(
            cause: """
                'expect' says which answers let the block succeed; without it, those of the two hundreds. Answers of \
                the five hundreds say nothing of what happened: the engine repeats the request if its effect allows \
                that, or parks the run. A 429, and a 409 to a request with a key, is repeated too, unless 'expect' \
                names it: then the flow gets it.
                """,
            remedy: """
                Write 'expect: [200, 404]' or 'expect: 2xx'.
                """
        ),
    ]
}
