import Expressions
import Testing

/// The families of texts with which others' expression languages were left for the host (vm2, n8n, Jinja, SpEL, OGNL,
/// MVEL, Velocity, EJS, Lua): each is refused, or gives nothing but the data that was declared.
@Suite("Escape attempts")
struct EscapeTests {
    static let hosts = ["this", "input", "''", "[]", "{}", "(1)", "true", "blocks.order", "input.body", "type(1)"]

    static let chains = [
        ".constructor", ".constructor.constructor('return process')()", ".__proto__", ".__proto__.constructor",
        "['constructor']", "['__proto__']['polluted']", ".prototype", ".toString.constructor('return 1')()",
        ".__class__.__mro__", ".__class__.__base__.__subclasses__()", ".getClass()",
        ".getClass().forName('java.lang.Runtime')",
        ".class.classLoader", ".constructor[`prototype`]", ".valueOf()", ".hasOwnProperty('x')", "['con' + 'structor']",
        ".map.constructor", ".filter.call(this)", ".__defineGetter__('x', 1)", ".__lookupGetter__('x')", ".caller",
        ".callee",
        ".mainModule.require('fs')", ".env.SECRET",
    ]

    static let texts = [
        "process", "process.env", "process.exit(1)", "process.mainModule.require('child_process').execSync('id')",
        "require('fs')",
        "global", "globalThis", "globalThis.process", "window", "self", "eval('1')", "Function('return 1')()",
        "new Function('x')",
        "import('fs')", "import os", "__import__('os').system('id')", "os.system('id')", "open('/etc/passwd')",
        "exec('id')",
        "(() => process)()", "(function(){return this})()", "async () => 1", "`id`", "${7*7}", "{{7*7}}", "#{7*7}",
        "<%= 7*7 %>",
        "T(java.lang.Runtime).getRuntime().exec('id')", "@java.lang.Runtime@getRuntime()", "#context['x']", "$json",
        "$env",
        "$node['x'].json", "$workflow.id", "$evaluateExpression('1')", "$input.item", "$('HTTP Request')", "$items()",
        "Object.keys({})", "Object.getOwnPropertyNames(this)", "Reflect.get({}, 'a')", "Proxy", "Symbol.iterator",
        "Buffer.from('x')",
        "Error.prepareStackTrace", "Error().stack", "setTimeout(x, 1)", "fetch('http://x')", "XMLHttpRequest",
        "WebAssembly",
        "let x = 1", "var x = 1; x", "x => x", "[...'abc']", "a?.b", "delete input.body", "input.body = 1", "typeof 1",
        "void 0",
        "with(input) body", "try { x } catch(e) { e }", "throw 1", "1; 2", "1, 2", "input['\\u005f\\u005fproto__']",
        "input[`body`]",
        "file:///etc/passwd", "http://169.254.169.254/", "/etc/passwd", "../../etc/passwd", "$(id)", "|id", "& id",
        "%00",
    ]

    static let all: [String] = texts + hosts.flatMap { host in chains.map { host + $0 } }

    @Test("each of 300 attempts is refused or gives nothing but the declared data", arguments: [true, false])
    func attempts(isChecked: Bool) throws {
        #expect(Self.all.count >= 300)
        let order = RecordType(name: "orders", fields: ["total": .init(.int)])
        let declarations = Declarations(
            [
                .init("input", .dynamic),
                .init("blocks", .record(RecordType(name: "blocks", fields: ["order": .init(.record(order))]))),
            ],
            isChecked: isChecked
        )
        let scope = Bindings([["body": ["name": "declared"]], ["order": ["total": 5]]])
        for text in Self.all {
            let compilation = Expression.compile(text, declarations: declarations)
            guard let expression = compilation.expression else {
                #expect(!compilation.findings.isEmpty)
                continue
            }
            do throws(EvaluationError) {
                let value = try expression.evaluate(in: scope)
                Issue.record("\(text) gave \(value)")
            } catch {
                let refusals = ["no_such_key", "no_such_overload", "not_compiled"]
                #expect(refusals.contains(error.code), "\(text): \(error)")
            }
        }
    }
}
