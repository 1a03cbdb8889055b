extension BrokenApp {
    /// What YAML misreads.
    static let traps: [BrokenApp] = [
        .blocks(
            "a value between braces that begins with a quote and goes on",
            "- { block: log, when: 'a' 1️⃣== input.s, message: x }",
            ExpectedFinding("1️⃣", "yaml.syntax", saying: "in quotes: \"'a' == input.s\"")
        ),
        .blocks(
            "a value between braces that begins with an at sign",
            "- { block: log, message: 1️⃣@home, level: info }",
            ExpectedFinding("1️⃣", "yaml.syntax", saying: "in quotes: '@home'")
        ),
        .blocks(
            "a negation is a tag",
            """
            - block: log
              when: 1️⃣!input.name
              message: hello
            """,
            ExpectedFinding("1️⃣", "yaml.trap.negation", saying: "'!input.name'")
        ),
        .blocks(
            "a negation with && behind it is not even YAML",
            """
            - block: log
              when: 1️⃣!a && !b
              message: hello
            """,
            ExpectedFinding("1️⃣", "yaml.trap.negation", saying: "'!a && !b'")
        ),
        .blocks(
            "a negation in a flow mapping",
            """
            - { block: log, when: 1️⃣!input.name, message: hello }
            """,
            ExpectedFinding("1️⃣", "yaml.trap.negation", saying: "in quotes: '!input.name'")
        ),
        .blocks(
            "a comment cuts an expression in a value",
            """
            - block: log
              message: nr ${ input.name + ' 1️⃣#1' }
            """,
            ExpectedFinding("1️⃣", "yaml.trap.comment", saying: "put the whole value in quotes")
        ),
        .blocks(
            "a comment cuts a quote in a condition",
            """
            - block: log
              when: input.name == 'a 1️⃣#b'
              message: hello
            """,
            ExpectedFinding("1️⃣", "yaml.trap.comment", saying: "\"input.name == 'a #b'\"")
        ),
        .blocks(
            "a colon in an unquoted text",
            """
            - block: log
              message: order${ input.orderId }1️⃣: paid
            """,
            ExpectedFinding("1️⃣", "yaml.trap.colon", saying: "'order${ input.orderId }: paid'")
        ),
        .blocks(
            "a conditional expression has a colon",
            """
            - block: log
              when: input.name == 'a' ? true 1️⃣: false
              message: hello
            """,
            ExpectedFinding("1️⃣", "yaml.trap.colon")
        ),
        .blocks(
            "an expression in a flow mapping without quotes",
            """
            - id: order
              block: find-record
              table: orders
              where: { id: 1️⃣${ input.orderId } }
            """,
            ExpectedFinding("1️⃣", "yaml.trap.flow-expression", saying: "'${ input.orderId }'")
        ),
        .blocks(
            "an expression in a flow sequence without quotes",
            """
            - id: order
              block: find-records
              table: orders
              where: { id: { in: [1️⃣${ input.orderId }] } }
            """,
            ExpectedFinding("1️⃣", "yaml.trap.flow-expression")
        ),
        .blocks(
            "a condition that begins with a quote",
            """
            - block: log
              when: 1️⃣'a' == input.name
              message: hello
            """,
            ExpectedFinding("1️⃣", "yaml.trap.leading", saying: "\"'a' == input.name\"")
        ),
        .blocks(
            "a condition that begins with a double quote",
            """
            - block: log
              when: 1️⃣"a" == input.name
              message: hello
            """,
            ExpectedFinding("1️⃣", "yaml.trap.leading", saying: "'\"a\" == input.name'")
        ),
        .blocks(
            "a condition that begins with a list",
            """
            - block: log
              when: 1️⃣['a', 'b'].exists(x, x == input.name)
              message: hello
            """,
            ExpectedFinding("1️⃣", "yaml.trap.leading", saying: "begins a list")
        ),
        .blocks(
            "a condition that is a list",
            """
            - block: log
              when: 1️⃣[input.name]
              message: hello
            """,
            ExpectedFinding("1️⃣", "type.expression", saying: "quotes")
        ),
        .blocks(
            "a condition that begins with a mapping",
            """
            - block: log
              when: 1️⃣{'a': 1}.a == 1
              message: hello
            """,
            ExpectedFinding("1️⃣", "yaml.trap.leading", saying: "begins a mapping")
        ),
        .blocks(
            "a text that begins with a percent sign",
            """
            - block: log
              message: 1️⃣%s is missing
            """,
            ExpectedFinding("1️⃣", "yaml.trap.leading")
        ),
        .blocks(
            "a text that begins with an at sign",
            """
            - block: log
              message: 1️⃣@ann look
            """,
            ExpectedFinding("1️⃣", "yaml.trap.leading")
        ),
        .blocks(
            "a text that begins with a backtick",
            """
            - block: log
              message: 1️⃣`hello`
            """,
            ExpectedFinding("1️⃣", "yaml.trap.leading")
        ),
        .blocks(
            "a text that begins with a star",
            """
            - block: log
              message: 1️⃣*note
            """,
            ExpectedFinding("1️⃣", "yaml.alias-unknown", saying: "quotes")
        ),
        .blocks(
            "a text that begins with an ampersand",
            """
            - block: log
              message: 1️⃣& more
            """,
            ExpectedFinding("1️⃣", "yaml.trap.leading")
        ),
        .blocks(
            "a comparison that begins a folded block",
            """
            - block: log
              message: 1️⃣> 5 is much
            """,
            ExpectedFinding("1️⃣", "yaml.trap.leading", saying: "block of text")
        ),
        .blocks(
            "a key without a space",
            """
            - block: log
              message1️⃣:hello
              level: info
            """,
            ExpectedFinding("1️⃣", "yaml.trap.colon-space")
        ),
        .blocks(
            "a tab in the indentation",
            """
            - block: log
            1️⃣\tmessage: hello
            """,
            ExpectedFinding("1️⃣", "yaml.tab")
        ),
        .blocks(
            "two traps in one file",
            """
            - block: log
              message: a1️⃣: b
            - block: log
              message: 2️⃣@ann look
            """,
            ExpectedFinding("1️⃣", "yaml.trap.colon"),
            ExpectedFinding("2️⃣", "yaml.trap.leading")
        ),
        .blocks(
            "yes is a text",
            """
            - id: hook
              block: log
              message: hi
              when: 1️⃣yes
            """,
            ExpectedFinding("1️⃣", "expression.unknown-name")
        ),
    ]

    /// What is no YAML, or no YAML that the language takes.
    static let yaml: [BrokenApp] = [
        .flow("an empty file", "1️⃣", ExpectedFinding("1️⃣", "yaml.empty")),
        .flow("a file that is a list", "1️⃣- flow: test", ExpectedFinding("1️⃣", "type.mapping")),
        .blocks(
            "a quote that is never closed",
            """
            - block: log
              message: 1️⃣'hello
            - block: log
              message: world
            """,
            ExpectedFinding("1️⃣", "yaml.quote")
        ),
        .flow(
            "a bracket that is never closed",
            "flow: test\nkind: page\naccess: 1️⃣[customer\ninput: { n: { type: int } }\noutput:\n  a: ${ input.n }\nblocks: []",
            ExpectedFinding("1️⃣", "yaml.bracket")
        ),
        .blocks(
            "a brace that is never closed",
            """
            - block: fail
              error: 1️⃣{ message: oops
            - block: log
              message: ${ input.name }
            """,
            ExpectedFinding("1️⃣", "yaml.bracket")
        ),
        .blocks(
            "a colon in an unquoted value inside braces",
            """
            - block: fail
              error: { message: Closed1️⃣: paid }
            """,
            ExpectedFinding("1️⃣", "yaml.trap.colon", saying: "quotes")
        ),
        .blocks(
            "a no-break space in the indentation",
            """
            - block: log
            1️⃣\u{A0} message: hello
            """,
            ExpectedFinding("1️⃣", "yaml.tab", saying: "U+00A0")
        ),
        .blocks(
            "a fail that is no list is one mistake",
            """
            - id: order
              block: find-record
              table: orders
              where: { id: 1 }
              fail:
                1️⃣block: log
                message: no
            - block: log
              message: ${ blocks.order.email }
            """,
            ExpectedFinding("1️⃣", "type.list")
        ),
        .flow(
            "a trigger that is a word",
            "flow: test\nkind: cloud\ntrigger: 1️⃣manual\nblocks: []",
            ExpectedFinding("1️⃣", "type.mapping", saying: "{ manual: true }")
        ),
        .blocks(
            "a wrong indentation",
            """
            - block: log
              message: hello
             1️⃣level: info
            """,
            ExpectedFinding("1️⃣", "yaml.syntax")
        ),
        .blocks(
            "a duplicate key",
            """
            - block: log
              message: hello
              1️⃣message: world
            """,
            ExpectedFinding("1️⃣", "yaml.duplicate-key", saying: "the first one is in line 9")
        ),
        .blocks(
            "a tag",
            """
            - block: log
              message: 1️⃣!!str 5
            """,
            ExpectedFinding("1️⃣", "yaml.tag")
        ),
        .flow(
            "a second document",
            "flow: test\nkind: page\nblocks: []\n1️⃣---\nflow: other",
            ExpectedFinding("1️⃣", "yaml.documents")
        ),
        .blocks(
            "a merge",
            """
            - &first
              block: log
              message: hello
            - 1️⃣<<: *first
              block: log
              message: world
            """,
            ExpectedFinding("1️⃣", "yaml.merge")
        ),
        .blocks(
            "an alias inside its own anchor",
            """
            - &loop
              block: log
              message: hello
              fields: { again: 1️⃣*loop }
            """,
            ExpectedFinding("1️⃣", "yaml.alias-recursive")
        ),
        .blocks(
            "an integer of twenty digits",
            """
            - block: log
              message: hello
              fields: { id: 1️⃣12345678901234567890 }
            """,
            ExpectedFinding("1️⃣", "yaml.number", saying: "quotes")
        ),
        .flow(
            "a control character",
            "flow: te1️⃣\u{1}st",
            ExpectedFinding("1️⃣", "yaml.character")
        ),
        .flow(
            "a key that is a mapping",
            "flow: test\nkind: page\nblocks: []\n? 1️⃣{ a: b }\n: 1",
            ExpectedFinding("1️⃣", "yaml.key")
        ),
    ]
}
