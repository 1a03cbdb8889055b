import Expressions
import Testing

@Suite("Evaluation")
struct EvaluationTests {
    /// The value of an expression without variables, checked.
    static func value(_ text: String) throws -> Value {
        let compilation = Expression.compile(text, declarations: Declarations())
        let expression = try #require(compilation.expression, "\(compilation.findings)")
        return try expression.evaluate(in: Bindings([]))
    }

    @Test(
        "a macro leaves the elements that it went over as they were, also when it stops early or fails",
        arguments: [
            ("rows.filter(r, r.total > 1).map(r, r.name)", "['second, with a long name', 'third, with a long name']"),
            ("rows.map(r, rows.filter(s, s.total < r.total).map(s, s.name))[1]", "['first, with a long name']"),
            ("rows.map(r, [r, r]).map(p, p[0].name) == rows.map(r, r.name)", "true"),
            ("rows.exists(r, r.missing == 1 || r.total == 2)", "true"),
            ("rows.all(r, r.total > 0 && rows.exists(s, s.name == r.name))", "true"),
            ("[[1, 2], [3]].map(r, r.filter(n, n > 1).map(m, [m, r]))", "[[[2, [1, 2]]], [[3, [3]]]]"),
            ("cel.bind(all, rows.map(r, r), rows.map(r, all.filter(s, s == r).size()))", "[1, 1, 1]"),
            ("rows.sortBy(r, -r.total).map(r, r.total)", "[3, 2, 1]"),
            ("rows.map(r, r.total > 1, r)[0].name", "'second, with a long name'"),
        ]
    )
    func macros(text: String, expected: String) throws {
        let declarations = Declarations([.init("rows", .list(.dynamic))])
        func row(_ name: String, _ total: Int64) -> Value {
            ["name": .string(name + ", with a long name"), "total": .int(total)]
        }
        let rows = Value.list([row("first", 1), row("second", 2), row("third", 3)])
        let before = rows
        let expression = try #require(Expression.compile(text, declarations: declarations).expression)
        #expect(try expression.evaluate(in: Bindings([rows])) == (try Self.value(expected)))
        let failing = try #require(
            Expression.compile("rows.map(r, r.total / (r.total - 2))", declarations: declarations).expression
        )
        #expect(throws: EvaluationError.self) { try failing.evaluate(in: Bindings([rows])) }
        #expect(rows == before)
    }

    @Test(
        "money never loses a cent",
        arguments: [
            ("money.minor('19.99', 'usd')", "1999"), ("money.minor('19.990', 'USD')", "1999"),
            ("money.minor('5', 'jpy')", "5"),
            ("money.minor('-0.5', 'eur')", "-50"), ("money.minor('1.234', 'kwd')", "1234"),
            ("money.format(1999, 'usd')", "'19.99 USD'"), ("money.format(5, 'jpy')", "'5 JPY'"),
            ("money.format(-7, 'kwd')", "'-0.007 KWD'"), ("money.scale(1999, '0.19')", "380"),
            ("money.scale(250, '0.1', 'half-even')", "25"), ("money.scale(5, '0.5')", "2"),
            ("money.scale(15, '0.5')", "8"),
            ("money.scale(5, '0.5', 'half-up')", "3"), ("money.scale(-5, '0.5', 'half-up')", "-3"),
            ("money.scale(5, '0.5', 'down')", "2"), ("money.scale(-5, '0.5', 'floor')", "-3"),
            ("money.scale(1, '0.1', 'ceiling')", "1"), ("money.scale(1, '0.1', 'up')", "1"),
            ("money.split(100, 3)", "[34, 33, 33]"), ("money.split(-100, 3)", "[-34, -33, -33]"),
            ("money.split(1, 2)", "[1, 0]"),
            ("money.scale(9223372036854775807, '1')", "9223372036854775807"),
        ]
    )
    func money(text: String, expected: String) throws {
        #expect(try Self.value(text) == Self.value(expected))
    }

    @Test(
        "money refuses what it could only guess",
        arguments: [
            "money.minor('19.999', 'usd')", "money.minor('1,000', 'usd')", "money.minor('1e3', 'usd')",
            "money.minor('', 'usd')",
            "money.minor('1', 'xyz')", "money.minor('5.5', 'jpy')", "money.scale(1, '0.5', 'nearest')",
            "money.split(1, 0)",
            "money.scale(9223372036854775807, '1.1')", "money.minor('.5', 'usd')",
            "money.minor('100000000000000000', 'usd')",
        ]
    )
    func refusedMoney(text: String) {
        #expect(throws: EvaluationError.self) { try Self.value(text) }
    }

    @Test("every currency has a code of three letters and 0 to 4 decimals")
    func currencies() {
        #expect(Currency.all.count >= 170)
        #expect(Currency.all.allSatisfy { $0.code.utf8.count == 3 && (0...4).contains($0.exponent) })
        #expect(Currency(code: "JPY")?.exponent == 0)
        #expect(Currency(code: "bhd")?.exponent == 3)
        #expect(Currency(code: "us") == nil)
    }

    @Test(
        "regular expressions are RE2's",
        arguments: [
            ("'abc'.matches('^a.c$')", true), ("'a\\nc'.matches('a.c')", false), ("'a\\nc'.matches('(?s)a.c')", true),
            ("'a\\nb'.matches('(?m)^b$')", true), ("'ABC'.matches('(?i)abc')", true), ("'x'.matches('[^a-w]')", true),
            ("'ä'.matches('^\\\\pL$')", true), ("'ä'.matches('(?i)Ä')", true), ("'5'.matches('^\\\\p{Nd}$')", true),
            ("'5'.matches('^\\\\P{Nd}$')", false), ("'a-b'.matches('^[\\\\w-]+$')", true),
            ("'foo bar'.matches('\\\\bbar\\\\b')", true),
            ("'aaa'.matches('^a{2,3}$')", true), ("'a'.matches('^a{2}$')", false), ("'a{2'.matches('^a{2$')", true),
            ("'(x)'.matches('^\\\\Q(x)\\\\E$')", true), ("'ab'.matches('^(?:a|b)*?$')", true),
            ("''.matches('^$')", true),
            ("'a]b'.matches('^a[]]b$')", true), ("'x1'.matches('^[[:alpha:]][[:digit:]]$')", true),
            ("'\\u212a'.matches('(?i)^k$')", true), ("'a'.matches('^\\\\x61$')", true), ("'😀'.matches('^.$')", true),
        ]
    )
    func regularExpressions(text: String, expected: Bool) throws {
        #expect(try Self.value(text) == .bool(expected))
    }

    @Test(
        "patterns that RE2 does not know are findings",
        arguments: [
            "(", "a)", "[a", "a**", "\\\\1", "(?=a)", "(?<!a)", "\\\\pX", "a{1001}", "(a{1000}){1000}", "*a", "\\\\",
            "[b-a]",
        ]
    )
    func badPatterns(pattern: String) {
        let compilation = Expression.compile("''.matches('\(pattern)')", declarations: Declarations())
        #expect(compilation.findings.map(\.code) == ["expression.regex"])
    }

    @Test("a pattern made of traps is matched in linear time")
    func linearRegularExpressions() throws {
        let text = String(repeating: "a", count: 5000)
        for pattern in ["(a+)+$", "(a|aa)+b", "(a*)*b", "(a?){40}a{40}b", "^(a|a|a|a)*b"] {
            let compilation = Expression.compile(
                "x.matches('\(pattern)')",
                declarations: Declarations([.init("x", .string)])
            )
            let expression = try #require(compilation.expression)
            _ = try expression.evaluate(in: Bindings([.string(text)]), budget: EvaluationBudget(steps: 5_000_000))
        }
    }

    @Test(
        "the regex extension extracts and replaces",
        arguments: [
            ("regex.extract('a1b22', '[0-9]+').value()", "'1'"), ("regex.extract('k=v', 'k=(.*)').value()", "'v'"),
            ("regex.extract('a', 'b').hasValue()", "false"), ("regex.extractAll('a1b22', '[0-9]+')", "['1', '22']"),
            ("regex.replace('a1b2', '([a-z])([0-9])', '\\\\2\\\\1')", "'1a2b'"),
            ("regex.replace('aaa', 'a', 'b', 2)", "'bba'"),
            ("regex.replace('abc', '', '-')", "'-a-b-c-'"),
        ]
    )
    func regexExtension(text: String, expected: String) throws {
        #expect(try Self.value(text) == Self.value(expected))
    }

    @Test(
        "lists are sorted, flattened, cut and made distinct",
        arguments: [
            ("[3, 1, 2].sort()", "[1, 2, 3]"), ("['b', 'a'].sort()", "['a', 'b']"),
            ("[[1], [2, [3]]].flatten()", "[1, 2, [3]]"),
            ("[[1], [2, [3]]].flatten(2)", "[1, 2, 3]"), ("[1, 2, 3, 4].slice(1, 3)", "[2, 3]"),
            ("[1, 2, 1, 2u].distinct()", "[1, 2]"),
            ("[1, 2].reverse()", "[2, 1]"), ("lists.range(3)", "[0, 1, 2]"),
            ("[{'n': 2}, {'n': 1}].sortBy(x, x.n)[0].n", "1"),
            ("[1, 2].first().value()", "1"), ("[].last().hasValue()", "false"),
            ("sets.contains([1, 2], [2u, 1.0])", "true"),
            ("sets.equivalent([1, 1], [1])", "true"), ("sets.intersects([1], [2])", "false"),
        ]
    )
    func lists(text: String, expected: String) throws {
        #expect(try Self.value(text) == Self.value(expected))
    }

    @Test("a bound value that is not used is not computed, and one used twice is computed once")
    func binding() throws {
        #expect(try Self.value("cel.bind(x, 1 / 0, true || x == 1)") == true)
        #expect(try Self.value("cel.bind(x, [1, 2].map(i, i * 2), x + x)") == [2, 4, 2, 4])
    }

    @Test("a variable without a value is an error at its place, unless the other side decides")
    func missingVariable() throws {
        let declarations = Declarations([.init("a", .bool), .init("b", .bool)])
        let expression = try #require(Expression.compile("a || b", declarations: declarations).expression)
        #expect(try expression.evaluate(in: Bindings([nil, true])) == true)
        do throws(EvaluationError) {
            _ = try expression.evaluate(in: Bindings([nil, false]))
            Issue.record("a missing variable gave a value")
        } catch {
            #expect(error.code == EvaluationError.Code.noSuchVariable)
            #expect(error.range == 0..<1)
        }
    }

    @Test("a declared field that holds null is null, and absent for has() and .?, as a field of a wrapper type is")
    func nullFields() throws {
        let number = ExpressionType.int.declared(.init(isNullable: true))
        let record = RecordType(name: "input", fields: ["n": .init(number), "all": .init(.dynamic)])
        let nested = RecordType(name: "row", fields: ["input": .init(.record(record), presence: .sometimes)])
        let declarations = Declarations([.init("input", .record(record)), .init("row", .record(nested))])
        func value(_ text: String, _ n: Value) throws -> Value {
            let compilation = Expression.compile(text, declarations: declarations)
            let expression = try #require(compilation.expression, "\(compilation.findings)")
            let input: Value = ["n": n, "all": ["n": n]]
            return try expression.evaluate(in: Bindings([input, ["input": input]]))
        }
        for (text, present, absent) in [
            ("has(input.n)", true, false), ("has(input.n) ? input.n + 1 : 0", 8, 0), ("input.?n.orValue(4)", 7, 4),
            ("input[?'n'].orValue(4)", 7, 4), ("input.n == null", false, true),
            ("row.?input.n.orValue(4) + 1", 8, 5), ("row.?input.?n.hasValue()", true, false),
            // Undeclared: a key that is there is there.
            ("has(input.all.n)", true, true), ("input.all.?n.orValue(4) == null", false, true),
        ] as [(String, Value, Value)] {
            #expect(try value(text, 7) == present, "\(text)")
            #expect(try value(text, .null) == absent, "\(text)")
        }
    }

    @Test("zones are those of the IANA list, UTC and offsets; what means several is none")
    func zones() throws {
        let time = "timestamp('2023-07-01T12:00:00Z')"
        for (zone, hour) in [("Europe/London", 13), ("UTC", 12), ("+02:30", 14), ("-08:00", 4), ("US/Central", 7)] {
            #expect(try Self.value("\(time).getHours('\(zone)')") == .int(Int64(hour)))
        }
        for zone in ["BST", "PST", "CST", "IST", "GMT-8", "UTC+1", "Z", "/etc/localtime", ""] {
            #expect(throws: EvaluationError.self, "\(zone)") { try Self.value("\(time).getHours('\(zone)')") }
        }
    }

    @Test("a map with keys that JSON writes alike has no JSON form, and neither has what is no number")
    func noJSON() throws {
        for text in ["{1: 2, '1': 3}", "{true: 2, 'true': 3}", "{'a': [1.0 / 0.0]}", "[{'b': 0.0 / 0.0}]", "[type(1)]"]
        {
            let value = try Self.value(text)
            #expect(value.jsonFault != nil)
            #expect(throws: JSONError.self, "\(text)") { try JSON.encode(value) }
        }
        #expect(try Self.value("{1: 2, '2': 3, 'n': [1.5, null, b'x', timestamp(0)]}").jsonFault == nil)
        #expect(throws: EvaluationError.self) { try Self.value("[dyn(1), 1u].transformMapEntry(i, v, {v: i})") }
    }
}
