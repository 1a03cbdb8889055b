extension BrokenApp {
    /// `http-request`, and connections of the service `http`.
    static let http: [BrokenApp] = httpBlocks + httpConnections

    private static let httpBlocks: [BrokenApp] = [
        .blocks("a request to nowhere", "- block: 1️⃣http-request", ExpectedFinding("1️⃣", "flow.http.target")),
        .blocks(
            "a request through a connection of another service",
            """
            - block: http-request
              connection: 1️⃣mail
              path: /
            """,
            ExpectedFinding("1️⃣", "flow.http.target", saying: "execute-connection-command")
        ),
        .blocks(
            "a request through a misspelt connection",
            """
            - block: http-request
              connection: 1️⃣stok
              path: /
            """,
            ExpectedFinding("1️⃣", "flow.connection.unknown", saying: "did you mean 'stock'?")
        ),
        .blocks(
            "a connection without a URL and a block without one",
            """
            - block: http-request
              connection: 1️⃣any
              path: /
            """,
            ExpectedFinding("1️⃣", "flow.http.target"),
            // The page is open to customers, the connection is not.
            ExpectedFinding("1️⃣", "flow.access.command")
        ),
        .blocks(
            "two URLs",
            """
            - block: http-request
              connection: stock
              url: 1️⃣https://stock.example.com/items
            """,
            ExpectedFinding("1️⃣", "flow.http.target")
        ),
        .blocks(
            "a POST with no id",
            """
            - block: 1️⃣http-request
              connection: stock
              method: POST
              path: /items
            """,
            ExpectedFinding("1️⃣", "flow.id.missing")
        ),
        .blocks(
            "a path that is no path",
            """
            - block: http-request
              connection: stock
              path: 1️⃣items
            """,
            ExpectedFinding("1️⃣", "flow.http.path")
        ),
        .blocks(
            "a query in the path",
            """
            - block: http-request
              connection: stock
              path: 1️⃣/items?sku=${ input.name }
            """,
            ExpectedFinding("1️⃣", "flow.http.path", saying: "'query'")
        ),
        .blocks(
            "a step upwards",
            """
            - block: http-request
              connection: stock
              path: 1️⃣/items/../admin
            """,
            ExpectedFinding("1️⃣", "flow.http.path")
        ),
        .blocks(
            "an expression before the end of the host",
            """
            - block: http-request
              url: 1️⃣https://example.com${ input.name }/
            """,
            ExpectedFinding("1️⃣", "flow.http.host", saying: "any public host")
        ),
        .blocks(
            "a whole URL from outside",
            """
            - block: http-request
              url: 1️⃣${ input.name }
            """,
            ExpectedFinding("1️⃣", "flow.http.host")
        ),
        .blocks(
            "a URL of another scheme",
            """
            - block: http-request
              url: 1️⃣file:///etc/passwd
            """,
            ExpectedFinding("1️⃣", "app.http.url")
        ),
        .blocks(
            "credentials in a header",
            """
            - block: http-request
              connection: stock
              headers: { 1️⃣Authorization: Bearer abc }
            """,
            ExpectedFinding("1️⃣", "flow.http.header", saying: "'auth'")
        ),
        .blocks(
            "a body where none goes",
            """
            - block: http-request
              connection: stock
              body: 1️⃣hello
            """,
            ExpectedFinding("1️⃣", "flow.http.body", saying: "method: POST")
        ),
        .blocks(
            "a method in lower case",
            """
            - block: http-request
              connection: stock
              method: 1️⃣get
            """,
            ExpectedFinding("1️⃣", "value.choice", saying: "'GET'")
        ),
        .blocks(
            "an answer that is none",
            """
            - block: http-request
              connection: stock
              expect: [200, 1️⃣503]
            """,
            ExpectedFinding("1️⃣", "flow.http.expect")
        ),
    ]

    private static func connection(_ name: String, _ settings: String, _ expected: ExpectedFinding...) -> BrokenApp {
        let head = "app: test\nconnections:\n  stock:\n    service: http\n"
        let lines = settings.split(separator: "\n").map { "    \($0)\n" }
        return BrokenApp(name: name, app: head + lines.joined(), expected: expected)
    }

    private static let httpConnections: [BrokenApp] = [
        connection("a URL without a scheme", "url: 1️⃣stock.example.com", ExpectedFinding("1️⃣", "app.http.url")),
        connection(
            "a user in a URL",
            "url: 1️⃣https://ann:secret@stock.example.com",
            ExpectedFinding("1️⃣", "app.http.url", saying: "'auth'")
        ),
        connection(
            "a query in a connection's URL",
            "url: 1️⃣https://stock.example.com/?key=1",
            ExpectedFinding("1️⃣", "app.http.url", saying: "'query'")
        ),
        connection(
            "a secret in the place of its name",
            "url: https://stock.example.com\nauth: 1️⃣{ bearer: 3f9a7c }",
            ExpectedFinding("1️⃣", "app.http.auth", saying: "runnel secrets set")
        ),
        connection(
            "a secret for nobody in particular",
            "auth: 1️⃣{ bearer: stock.token }",
            ExpectedFinding("1️⃣", "app.http.auth")
        ),
        connection(
            "a secret that travels openly",
            "url: http://stock.example.com\nauth: 1️⃣{ bearer: stock.token }",
            ExpectedFinding("1️⃣", "app.http.plain")
        ),
        connection(
            "everything allowed",
            "allow: [1️⃣'*', 2️⃣'*.com', 3️⃣0.0.0.0/0, 4️⃣'2130706433', 5️⃣'https://example.com']",
            ExpectedFinding("1️⃣", "app.http.allow"),
            ExpectedFinding("2️⃣", "app.http.allow"),
            ExpectedFinding("3️⃣", "app.http.allow"),
            ExpectedFinding("4️⃣", "app.http.allow"),
            ExpectedFinding("5️⃣", "app.http.allow")
        ),
        connection(
            "a cloud's metadata allowed",
            "allow: [1️⃣169.254.169.254, 2️⃣'fe80::/64']",
            ExpectedFinding("1️⃣", "app.http.allow", saying: "link-local"),
            ExpectedFinding("2️⃣", "app.http.allow", saying: "link-local")
        ),
        connection(
            "limits beyond the limit",
            "timeout: 1️⃣1h\nmaxBytes: 2️⃣0",
            ExpectedFinding("1️⃣", "app.http.limit"),
            ExpectedFinding("2️⃣", "app.http.limit")
        ),
    ]
}
