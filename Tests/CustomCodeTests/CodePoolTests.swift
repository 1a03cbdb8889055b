import CodeFrames
import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import Testing

@testable import CustomCode

@Suite("Code runs in a worker, and what it does is told in the builder's own lines")
struct CodePoolTests {
    let desk: CodeDesk

    init() throws { desk = try CodeDesk() }

    @Test("code is the body of an async function: it sees its arguments and returns a value")
    func returns() async throws {
        let value = try await desk.value(
            "const { a, b } = args;\nreturn { sum: a + b, list: [a, null, 'x', 0.5] };",
            args: ["a": 2, "b": 40]
        )
        #expect(value == ["sum": 42, "list": [2, .null, "x", 0.5]])
        #expect(try await desk.value("await null") == .null)
    }

    @Test("libraries are evaluated before the body, in the same global scope")
    func libraries() async throws {
        let library = CodeText(file: "code/lib/tax.js", text: "function tax(amount) { return amount * 19 / 100; }")
        let job = CodeDesk.job("return tax(args.amount)", args: ["amount": 1_000], libraries: [library])
        #expect(try await desk.value(job) == 190)
    }

    @Test("an error names file, line and column of the code, not of the worker's wrapper")
    func places() async throws {
        let thrown = try await desk.failure("const order = args.order;\n  return order.total;")
        #expect(thrown.code == "code-threw")
        #expect(
            thrown.message.hasPrefix("code/test.js:2:15: TypeError: undefined is not an object"),
            "\(thrown.message)"
        )
        let library = CodeText(file: "code/lib/deep.js", text: "\nfunction deep() {\n  throw new RangeError('no');\n}")
        let inside = try await desk.failure(CodeDesk.job("const found = deep(); return found", libraries: [library]))
        #expect(inside.message.hasPrefix("code/lib/deep.js:3:"), "\(inside.message)")
        #expect(inside.message.contains("called at code/test.js:1:"), "\(inside.message)")
    }

    @Test("a place in a flow's own code is one of its YAML file")
    func placesInYAML() async throws {
        var job = CodeDesk.job("return 1;\nnull.x")
        job.block.body = CodeText(
            file: "flows/a.yaml",
            text: "let a = 1;\nnull.x",
            lines: [.init(line: 12, column: 7, offset: 0), .init(line: 13, column: 7, offset: 0)]
        )
        #expect(try await desk.failure(job).message.hasPrefix("flows/a.yaml:13:11: TypeError"))
    }

    @Test("what does not parse says where, and nothing of it is run")
    func syntax() async throws {
        let failure = try await desk.failure("console.log('ran');\nlet x = ;")
        #expect(failure.code == "code-syntax")
        #expect(failure.message.hasPrefix("code/test.js:2:"), "\(failure.message)")
    }

    @Test("a body that ends its own function and begins another does not parse")
    func syntaxOfOneBody() async throws {
        let outside = CodeSource(name: "code/test.js", text: "return 1\n})(); (async function () { return 2")
        let failure = try #require(await desk.pool.syntaxFailure(of: [outside]))
        #expect(failure.code == "code-syntax")
        #expect(failure.stack.first?.line == 2)
        let inside = CodeSource(
            name: "code/test.js",
            text: "class A { b() { return 1 } }\nreturn await new A().b() // }"
        )
        #expect(try await desk.pool.syntaxFailure(of: [inside]) == nil)
    }

    @Test("an object that is thrown is told by its message, a limit by its code once")
    func messages() async throws {
        #expect(try await desk.failure("throw { message: 'no error' }").message == "no error")
        let tooLarge = try await desk.failure("return 'x'.repeat(5 << 20)")
        #expect(tooLarge.message == "what the code returned is larger than 4194304 bytes")
        let job = CodeDesk.job(
            "await Promise.all([records.find('a'), records.find('b')])",
            limits: CodeLimits(calls: 1)
        )
        #expect(try await desk.failure(job).message.hasSuffix(": more than 1 host calls"))
    }

    @Test("time, chance and unique ids come from the recorded moment and seed: the same at each repetition")
    func isRepeatable() async throws {
        let code = """
            return [new Date().toISOString(), Date.now(), Math.random(), Math.random(), crypto.randomUUID(),
              new Intl.DateTimeFormat('en', { dateStyle: 'medium' }).format(), [...crypto.getRandomValues(new Uint8Array(4))]];
            """
        let first = try await desk.value(code)
        #expect(first == (try await desk.value(code)))
        #expect(first.listValue?.first == "2026-11-20T10:00:00.000Z")
        #expect(first.listValue?[5] == "Nov 20, 2026")
        #expect(first != (try await desk.value(CodeDesk.job(code, seed: 8))))
    }

    @Test("console's lines come with the step in which they were written, cut at the limit with a word about it")
    func logs() async throws {
        let limits = CodeLimits(logLines: 2)
        let job = CodeDesk.job(
            "console.log('a', { b: 1 }); console.warn('c'); console.error('d'); console.info('e')",
            limits: limits
        )
        let progress = await desk.pool.advance(job, answers: [])
        #expect(progress.lines.map(\.text) == ["a {\"b\":1}", "c", "further lines are left out"])
        #expect(progress.lines.map(\.level) == [.info, .warning, .error])
    }

    @Test("a host call waits for its answer, and code goes on with it in the same worker")
    func asks() async throws {
        let job = CodeDesk.job("const rows = await records.find('orders', { total: { gte: 5 } }); return rows.length")
        let question = try await desk.question(job)
        #expect(question.call == "records.find")
        #expect(question.arguments == ["orders", ["total": ["gte": 5]], [:]])
        #expect(try await desk.value(job, answers: [question.answered(.value([["id": 1], ["id": 2]]))]) == 2)
        #expect(desk.pool.counts == .init(started: 1, continued: 1, evicted: 0))
    }

    @Test("code that is run again is given the recorded answers, and lines that were released stay away")
    func repeats() async throws {
        let code = """
            console.log('one'); const a = await records.findOne('orders', { id: 1 });
            console.log('two'); const b = await records.insert('lines', { text: a.name });
            console.log('three'); return [a.name, b.id];
            """
        let job = CodeDesk.job(code)
        let first = try await desk.question(job).answered(.value([["id": 1, "name": "mug"]]))
        let second = try await desk.question(job, answers: [first]).answered(.value(["id": 9]))
        let other = try CodeDesk()
        let progress = await other.pool.advance(job, answers: [first, second])
        guard case .returned(let value) = progress.step else { throw CodeDesk.Unexpected(step: "\(progress.step)") }
        #expect(value == ["mug", 9])
        #expect(progress.lines.map(\.text) == ["three"])
        #expect(other.pool.counts.continued == 0)
    }

    @Test("code that asks for something else than before ends with the number and names of both calls")
    func diverges() async throws {
        let recorded = CodeAnswer(
            call: "records.insert",
            arguments: ["lines", ["text": "a"]],
            outcome: .value(["id": 1])
        )
        let failure = try await desk.failure(CodeDesk.job("await records.find('orders')"), answers: [recorded])
        #expect(failure.code == "code-diverged")
        #expect(failure.message.contains("number 1 was records.insert, now it is records.find"), "\(failure.message)")
    }

    @Test("calls that are made at once are answered in the order in which they were made")
    func parallelCalls() async throws {
        let job = CodeDesk.job(
            "const [a, b] = await Promise.all([records.find('a'), records.find('b')]); return [a, b];"
        )
        let first = try await desk.question(job)
        #expect(first.arguments.listValue?.first == "a")
        let second = try await desk.question(job, answers: [first.answered(.value(["first"]))])
        #expect(second.arguments.listValue?.first == "b")
        let answers = [first.answered(.value(["first"])), second.answered(.value(["second"]))]
        #expect(try await desk.value(job, answers: answers) == [["first"], ["second"]])
    }

    @Test("a failed host call is an error that code can catch")
    func catches() async throws {
        let job = CodeDesk.job(
            "try { await records.insert('orders', {a: 1}) } catch (e) { return [e instanceof HostError, e.code, e.message] }"
        )
        let question = try await desk.question(job)
        let failure = BlockFailure(code: "constraint", type: "record", message: "twice")
        #expect(
            try await desk.value(job, answers: [question.answered(.failure(failure))]) == [true, "constraint", "twice"]
        )
    }

    @Test("code whose place was taken is brought back by its answers")
    func evicts() async throws {
        let jobs = (1...9).map {
            CodeDesk.job("return await records.find('t' + args.n)", args: ["n": .int(Int64($0))], run: Int64($0))
        }
        var questions: [CodeQuestion] = []
        for job in jobs { questions.append(try await desk.question(job)) }
        #expect(desk.pool.counts.evicted == 5)
        for (job, question) in zip(jobs, questions) {
            #expect(
                try await desk.value(job, answers: [question.answered(.value(question.arguments))])
                    == question.arguments
            )
        }
    }

    @Test("what awaits for ever is ended at once, not at a time limit")
    func neverSettles() async throws {
        #expect(try await desk.failure("await new Promise(() => {})").code == "code-never-settles")
    }

    @Test("output beyond the limit, and host calls beyond theirs, each end the code by its own name")
    func limits() async throws {
        #expect(try await desk.failure("return 'x'.repeat(5 << 20)").code == "code-output-too-large")
        let job = CodeDesk.job("await records.find('a'); await records.find('b')", limits: CodeLimits(calls: 1))
        let question = try await desk.question(job)
        #expect(try await desk.failure(job, answers: [question.answered(.value([]))]).code == "code-too-many-calls")
    }

    @Test("a result that is nested too deep, or whose integer no double holds, says where")
    func returnedValues() async throws {
        let deep = try await desk.failure(
            "let v = 1; for (let i = 0; i < 70; i++) v = { a: v }; return { list: [0, v] }"
        )
        #expect(deep.code == "code-returned")
        #expect(deep.message.contains("list[1].a.a"), "\(deep.message)")
        let large = try await desk.failure("return { ids: [1, 2 ** 60] }")
        #expect(large.code == "code-integer-too-large")
        #expect(large.message.contains("ids[1]"), "\(large.message)")
    }

    @Test("with bigint, integers of 64 bits pass in both directions unchanged")
    func bigIntegers() async throws {
        let args: Value = ["id": .int(9_007_199_254_740_993), "n": 5]
        let job = CodeDesk.job("return [args.id + 1n, args.n + 1, typeof args.id]", args: args, bigint: true)
        #expect(try await desk.value(job) == [.int(9_007_199_254_740_994), 6, "bigint"])
        let refused = try await desk.failure(CodeDesk.job("return args.n", args: args))
        #expect(refused.code == "code-integer-too-large")
        #expect(refused.message.contains("id"))
    }

    @Test("an integer too large in what code does not look at harms nobody")
    func unusedIntegers() async throws {
        let trigger: Value = ["body": ["id": .int(9_007_199_254_740_993)]]
        #expect(try await desk.value(CodeDesk.job("return 1", trigger: trigger)) == 1)
        let looking = try await desk.failure(CodeDesk.job("return trigger.body", trigger: trigger))
        #expect(looking.message.contains("trigger: body.id"), "\(looking.message)")
    }

    @Test("what code returns is compared with 'returns', member by member")
    func returnTypes() async throws {
        let returns = [
            InputDeclaration(name: "total", type: .int, min: 1), InputDeclaration(name: "at", type: .timestamp),
        ]
        let good = CodeDesk.job("return { total: 5, at: new Date() }", returns: returns)
        let at = try #require(Timestamp(rfc3339: "2026-11-20T10:00:00Z"))
        #expect(try await desk.value(good) == ["total": 5, "at": .timestamp(at)])
        let bad = try await desk.failure(CodeDesk.job("return { total: 0.5, more: 1 }", returns: returns))
        #expect(bad.code == "code-returned")
        #expect(bad.message.contains("'total' must be int"), "\(bad.message)")
        #expect(bad.message.contains("'more' is not in 'returns'"), "\(bad.message)")
    }

    @Test("a call of Stripe's client is an operation with its parameters; the host makes the request of it")
    func stripe() async throws {
        let job = CodeDesk.job(
            "const c = await stripe.customers.create({ email: 'ann@example.com', metadata: { a: 1 } }, { stripeAccount: 'acct_1' }); return c.id"
        )
        let question = try await desk.question(job)
        guard case .send(let request) = question.work else { throw CodeDesk.Unexpected(step: "\(question.work)") }
        #expect(request.method == "POST")
        #expect(request.path == "/v1/customers")
        #expect(String(decoding: request.body, as: UTF8.self) == "email=ann%40example.com&metadata[a]=1")
        #expect(request.headers == ["stripe-account": "acct_1"])
        #expect(request.effect == .keyed)
        let answer = OutsideAnswer(status: 200, body: Array("{\"id\":\"cus_1\"}".utf8))
        #expect(try await desk.value(job, answers: [question.answered(.response(answer))]) == "cus_1")
    }

    @Test("a key that code gives by itself stands neither in the question nor in the request")
    func explicitKey() async throws {
        let key = ["sk", "test", "abcdefghijkl"].joined(separator: "_")
        let job = CodeDesk.job("return await new Stripe(args.key).balance.retrieve()", args: ["key": .string(key)])
        let question = try await desk.question(job)
        guard case .send(let request) = question.work else { throw CodeDesk.Unexpected(step: "\(question.work)") }
        #expect(!"\(question.arguments) \(request)".contains("abcdefghijkl"))
        #expect(request.headers["runnel-credential"] != nil)
    }
}
