import Expressions
import Testing

@Suite("Checker")
struct CheckerTests {
    static let declarations: Declarations = {
        let order = RecordType(
            name: "orders",
            fields: [
                "id": .init(.int), "total": .init(.int), "email": .init(.string), "status": .init(.string),
                "createdAt": .init(.timestamp), "rate": .init(.double),
            ]
        )
        let blocks = RecordType(
            name: "blocks",
            fields: [
                "order": .init(.record(order)),
                "refund": .init(.record(order), presence: .sometimes, note: "a branch can skip it"),
                "later": .init(.record(order), presence: .unavailable, note: "it runs after this block"),
            ]
        )
        let body = RecordType(name: "body", fields: ["id": .init(.string)], isOpen: true)
        return Declarations([
            .init("blocks", .record(blocks)), .init("body", .record(body)), .init("items", .list(.record(order))),
            .init("count", .int), .init("any", .dynamic),
        ])
    }()

    struct Slip: Sendable, CustomTestStringConvertible {
        let text: String
        let code: String
        /// The part of the text that the finding is about.
        let place: String
        /// A part of the hint or of the message.
        let says: String

        var testDescription: String { text }

        init(_ text: String, _ code: String, _ place: String, _ says: String) {
            self.text = text
            self.code = code
            self.place = place
            self.says = says
        }
    }

    static let slips: [Slip] = [
        .init("blocks.order.total * 0.19", "expression.type-mismatch", "*", "write double(blocks.order.total)"),
        .init("blocks.order.total * 0.19", "expression.type-mismatch", "*", "money.scale(blocks.order.total, '0.19'"),
        .init("blocks.order.status = 'NEW'", "expression.assignment", "=", "write =="),
        .init("count > 1 and count < 3", "expression.operator", "and", "write &&"),
        .init("count > 1 or true", "expression.operator", "or", "write ||"),
        .init("not true", "expression.operator", "not", "write !"),
        .init("true & false", "expression.operator", "&", "write &&"),
        .init("true | false", "expression.operator", "|", "write ||"),
        .init("count === 1", "expression.operator", "===", "write =="),
        .init("count <> 1", "expression.operator", "<>", "write !="),
        .init("'Order ' + count", "expression.type-mismatch", "+", "write string(count)"),
        .init("count == '1'", "expression.type-mismatch", "==", "write int('1')"),
        .init("count == 1.5", "expression.type-mismatch", "==", "write double(count)"),
        .init(
            "blocks.order.createdAt > '2026-01-01'",
            "expression.type-mismatch",
            ">",
            "write timestamp('2026-01-01')"
        ),
        .init("blocks.order.totl", "expression.unknown-field", "totl", "did you mean 'total'?"),
        .init("block.order.total", "expression.unknown-name", "block", "did you mean 'blocks'?"),
        .init("blocks.order.email.startWith('a')", "expression.unknown-function", "startWith", "'startsWith'"),
        .init("blocks.order.email.length()", "expression.unknown-function", "length", "write size()"),
        .init("blocks.refund.total", "expression.may-be-missing", "refund", "write blocks.?refund.field.orValue(…)"),
        .init("blocks.later.total", "expression.unavailable", "later", "it runs after this block"),
        .init("blocks.?later.total", "expression.unavailable", "later", "it runs after this block"),
        .init("blocks.?refund.total + 1", "expression.type-mismatch", "+", "write blocks.?refund.total.orValue(…)"),
        .init("count.total", "expression.no-fields", "total", "int has no fields"),
        .init("blocks.order.email.size", "expression.no-fields", "size", "write .size(…)"),
        .init("items.all(i, i.total)", "expression.type-mismatch", "i.total", "is a bool, this is int"),
        .init("items.map(i.total, i)", "expression.macro", "i.total", "a plain name"),
        .init("count ? 1 : 2", "expression.type-mismatch", "count", "a condition is a bool"),
        .init("!count", "expression.type-mismatch", "count", "takes a bool"),
        .init("'a' in 'abc'", "expression.type-mismatch", "in", "write 'abc'.contains('a')"),
        .init("has(count)", "expression.macro", "has(count)", "write has(a.b)"),
        .init("size(1)", "expression.no-overload", "size", "size(string)"),
        .init("any.?x ?? 1", "expression.operator", "?", "orValue"),
        .init("${ count }", "expression.syntax", "${", "leave out ${ and }"),
        .init("count +", "expression.syntax", "", "the end of the expression"),
        .init("'abc", "expression.string", "'abc", "no closing quote"),
        .init("'a\\q'", "expression.escape", "\\q", "write \\\\"),
        .init("9223372036854775808", "expression.number", "9223372036854775808", "beyond 64 bits"),
        .init("while + 1", "expression.reserved", "while", "reserved"),
        .init("any.matches('(')", "expression.regex", "'('", "lacks a ')'"),
        .init("Payment{id: 1}", "expression.message", "Payment{id: 1}", "write a map"),
        .init("items[0].total.orValue(1)", "expression.type-mismatch", "orValue", "leave out"),
        .init("count == null", "expression.never-null", "==", "never null"),
        .init("1 / 0", "expression.always-fails", "1 / 0", "division by zero"),
        .init("True", "expression.unknown-name", "True", "write true"),
    ]

    @Test("a usual slip is found at its place and told how to write", arguments: slips)
    func slip(slip: Slip) throws {
        let compilation = Expression.compile(slip.text, declarations: Self.declarations)
        let finding = try #require(compilation.findings.first { $0.code == slip.code }, "\(compilation.findings)")
        let bytes = Array(slip.text.utf8)
        #expect(String(decoding: bytes[finding.range], as: UTF8.self) == slip.place)
        #expect((finding.message + " / " + (finding.hint ?? "")).contains(slip.says), "\(finding)")
    }

    @Test(
        "well-typed expressions have no finding and the type that follows",
        arguments: [
            ("blocks.order.total + 1", "int"), ("blocks.?refund.total.orValue(0)", "int"), ("body.unknown.deep", "dyn"),
            ("has(blocks.refund) && blocks.refund.total > 0", "bool"),
            ("has(blocks.refund) ? blocks.refund.total : 0", "int"),
            ("!has(blocks.refund) || blocks.refund.total > 0", "bool"),
            ("blocks.?refund.hasValue() && blocks.refund.total > 0", "bool"),
            ("items.filter(i, i.total > 5).map(i, i.email)", "list(string)"), ("items[0].total", "int"),
            ("items.map(i, {'id': i.id, 'rate': i.rate})", "list(map(string,dyn))"), ("any.a.b[1] == 3", "bool"),
            ("count > 1.5", "bool"), ("double(count) * blocks.order.rate", "double"), ("[1, 'a']", "list(dyn)"),
            ("blocks['order'].total", "int"), ("{}.?a.orValue('x')", "string"),
            ("timestamp('2026-11-20T00:00:00Z')", "timestamp"),
            ("money.split(count, 3)", "list(int)"), ("items.exists(i, i.id == count)", "bool"),
            ("cel.bind(o, blocks.order, o.total * o.total)", "int"), ("math.greatest(1, count)", "int"),
            ("optional.of(1).optMap(x, x + 1)", "optional_type(int)"), ("[[], [1]]", "list(list(int))"),
        ]
    )
    func types(text: String, type: String) {
        let compilation = Expression.compile(text, declarations: Self.declarations)
        #expect(compilation.findings == [])
        #expect(compilation.type.description == type)
    }

    @Test("the value's type is held against the one expected")
    func expecting() {
        let compilation = Expression.compile("count", declarations: Self.declarations, expecting: .string)
        #expect(compilation.findings.map(\.hint) == ["write string(count)"])
        #expect(compilation.expression == nil)
        #expect(Expression.compile("any", declarations: Self.declarations, expecting: .bool).findings == [])
    }

    @Test("references are the longest constant chains, without the variables of macros")
    func references() {
        let text = "items.map(i, i.total + blocks.order.total)[count] + body.a['b'].c.size() + any[count].x"
        let compilation = Expression.compile(text, declarations: Self.declarations)
        #expect(
            compilation.references.map(\.path) == [
                ["items"], ["blocks", "order", "total"], ["count"], ["body", "a", "b", "c"], ["any"], ["count"],
            ]
        )
        let bytes = Array(text.utf8)
        let places = compilation.references.map { String(decoding: bytes[$0.range], as: UTF8.self) }
        #expect(places == ["items", "blocks.order.total", "count", "body.a['b'].c", "any", "count"])
    }

    @Test("all findings are told, in the order of the text")
    func several() {
        let compilation = Expression.compile("blocks.order.totl + blocks.ordr.x", declarations: Self.declarations)
        #expect(compilation.findings.map(\.hint) == ["did you mean 'total'?", "did you mean 'order'?"])
    }

    @Test("a part that failed in the evaluation is named with its place")
    func evaluationPlace() throws {
        let compilation = Expression.compile("any.a.b + 1", declarations: Self.declarations)
        let expression = try #require(compilation.expression)
        let scope = Bindings([nil, nil, nil, nil, ["a": [:]]])
        do throws(EvaluationError) {
            _ = try expression.evaluate(in: scope)
            Issue.record("a missing field gave a value")
        } catch {
            #expect(error.code == "no_such_key")
            #expect(error.range == 0..<7)
        }
    }

    @Test("explaining gives each part's value, inner parts first")
    func explain() {
        let (_, result, trace) = Expression.explain(
            "count + 1 > 2",
            declarations: Self.declarations,
            in: Bindings([nil, nil, nil, 5])
        )
        #expect((try? result?.get()) == true)
        #expect(trace.map(\.range) == [0..<5, 8..<9, 0..<9, 12..<13, 0..<13])
    }
}
