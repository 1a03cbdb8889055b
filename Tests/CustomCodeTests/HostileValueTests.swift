import CodeFrames
import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import Testing

@testable import CustomCode

@Suite("Whatever code returns, throws, asks or writes, the host gets values or a named failure")
struct HostileValueTests {
    /// What code returns, and what the block gives.
    static let returned: [(String, Value)] = [
        ("return undefined", .null), ("return -0", 0), ("return [NaN, Infinity, -Infinity]", [.null, .null, .null]),
        ("return { a: undefined, b: null }", ["b": .null]),
        ("return [undefined, () => 1, Symbol('x')]", [.null, .null, .null]),
        ("return new Date(0)", "1970-01-01T00:00:00.000Z"), ("return new Map([[1, 2]])", [:]),
        ("return Object.create(null)", [:]), ("return { then(resolve) { resolve(5) } }", 5),
        ("return Promise.resolve(Promise.resolve(6))", 6), ("return { get a() { return 7 } }", ["a": 7]),
        ("return { toJSON() { return 8 } }", 8), ("return new Proxy({ a: 9 }, {})", ["a": 9]),
        ("return new Proxy([1, 2], {})", [1, 2]), ("return Object('text')", "text"), ("return Object(1n) + ''", "1"),
        (
            "return JSON.parse('{\"__proto__\": { \"admin\": true }, \"constructor\": 1 }')",
            ["__proto__": ["admin": true], "constructor": 1]
        ),
        ("return Object.keys(args)[0] + ({}).admin", "__proto__undefined"),
        ("return { ...args }.admin === undefined && args['__proto__'].admin", true),
        ("Object.prototype.toJSON = function () { return 'all' }; return { a: 1 }", "all"),
        ("JSON.stringify = () => '{'; JSON.parse = () => { throw 1 }; return { a: 1 }", ["a": 1]),
        ("Promise.prototype.then = () => 'never'; return 1", 1),
        ("Array.prototype.map = () => { throw 1 }; return [1]", [1]),
        ("Object.defineProperty(Object.prototype, '0', { set() { throw 1 } }); return 1", 1),
        ("globalThis.JSON = null; globalThis.Promise = null; return 1", 1), ("return 'a\\u0000b'", "a\u{0}b"),
        ("return new Function('return this')() === globalThis && typeof globalThis.native", "undefined"),
        ("return (async function* () {}).constructor('yield 1')().next().then((r) => r.value)", 1),
        ("return await Array.fromAsync([1, Promise.resolve(2)])", [1, 2]),
        ("Error.prepareStackTrace = (e, frames) => frames; return typeof new Error('x').stack", "string"),
        ("Error.captureStackTrace?.({}); return 1", 1), ("return /[\\p{L}--[a-z]]/v.test('Ä')", true),
        (
            "return typeof WeakRef + typeof FinalizationRegistry + typeof SharedArrayBuffer + typeof Atomics",
            "undefinedundefinedundefinedundefined"
        ),
        ("return new Intl.NumberFormat('de', { style: 'currency', currency: 'EUR' }).format(1).length > 3", true),
    ]

    @Test(
        "values that are none of JSON's come as JSON has them, and nothing of the engine's is changed",
        arguments: returned
    )
    func returns(_ code: String, _ expected: Value) async throws {
        let args = try JSON.parse("{\"__proto__\":{\"admin\":true}}")
        #expect(try await CodeDesk().value(code, args: args) == expected)
    }

    /// What code does, and the name of what the block fails with.
    static let failing: [(String, String)] = [
        ("const a = {}; a.a = a; return a", "code-threw"), ("return 1n", "code-threw"),
        ("return () => 1", "code-threw"),
        ("return Symbol('x')", "code-threw"), ("return { toJSON() { throw new Error('no') } }", "code-threw"),
        ("return { get a() { throw 1 } }", "code-threw"),
        ("return new Proxy({}, { ownKeys() { throw 1 } })", "code-threw"),
        ("const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy", "code-threw"),
        ("return '\\ud800'", "code-returned"), ("return { '\\udc00': 1 }", "code-returned"),
        ("throw null", "code-threw"), ("throw undefined", "code-threw"), ("throw Symbol('x')", "code-threw"),
        ("throw { get message() { throw 1 } }", "code-threw"), ("throw { toString() { throw 1 } }", "code-threw"),
        ("throw new Proxy({}, { get() { throw 1 } })", "code-threw"), ("throw Object.create(null)", "code-threw"),
        ("throw { message: 'x'.repeat(1 << 24), stack: 'y'.repeat(1 << 24) }", "code-threw"),
        ("throw { stack: 'code:0:1:1\\n'.repeat(100000), message: 'm' }", "code-threw"),
        ("throw { stack: 'code:99999999999999999999:1', message: 'm' }", "code-threw"),
        ("throw { stack: 'code:0:99999999999999999999:-1', message: 'm' }", "code-threw"),
        ("return { then(resolve, reject) { reject(new Error('no')) } }", "code-threw"),
        ("return { get then() { throw new Error('no') } }", "code-threw"),
        ("return { then() {} }", "code-never-settles"),
        ("(function f() { f() })()", "code-threw"), ("return (async function f() { await f() })()", "code-threw"),
        ("let s = '['.repeat(1e4); JSON.parse(s)", "code-threw"), ("new Function('('.repeat(1e5))", "code-threw"),
        ("eval('('.repeat(1e6))", "code-threw"), ("import('fs')", "code-threw"),
        ("return await import('data:text/javascript,1')", "code-threw"),
        ("let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a", "code-threw"),
        ("return { a: [2 ** 53] }", "code-integer-too-large"),
        ("return await new Promise(() => {})", "code-never-settles"), ("for (;;) console.log('x')", "code-timed-out"),
        ("records.find('a'.repeat(5 << 20))", "code-output-too-large"),
        ("for (let i = 0; i < 1e4; i++) records.find('a')", "code-too-many-calls"),
        (
            "for (let i = 0; i < 20; i++) records.find('a', { b: 'x'.repeat(3 << 20) }); return 1",
            "code-output-too-large"
        ),
        ("await records.find('\\ud800')", "code-call-invalid"), ("await runFlow('x', { a: 2n ** 70n })", "code-threw"),
        ("let v = 1; for (let i = 0; i < 70; i++) v = { v }; await runFlow('x', v)", "code-call-invalid"),
    ]

    @Test("what cannot be shown, or goes too far, fails by name", arguments: failing)
    func fails(_ code: String, _ name: String) async throws {
        let desk = try CodeDesk()
        // What fails by itself may take its time: the engine's own loops are as fast as the machine.
        let limits = CodeLimits(milliseconds: name == "code-timed-out" ? 1_000 : 20_000)
        let failure = try await desk.failure(CodeDesk.job(code, limits: limits))
        #expect(failure.code == name, "\(failure.message.prefix(300))")
        #expect(failure.message.utf8.count < 16 << 10)
        #expect(try await desk.value("return 1") == 1)
    }

    @Test("arguments of host calls are read once: a getter or proxy cannot show the host something else later")
    func readOnce() async throws {
        let job = CodeDesk.job(
            """
            let count = 0;
            const set = { get total() { count += 1; records.find('nested' + count); return count } };
            const row = await records.insert('orders', set);
            return count;
            """
        )
        let nested = try await CodeDesk().question(job)
        #expect(nested.arguments.listValue?.first == "nested1")
        let answers = [nested.answered(.value([]))]
        let insert = try await CodeDesk().question(job, answers: answers)
        #expect(insert.arguments == ["orders", ["total": 1]])
        #expect(try await CodeDesk().value(job, answers: answers + [insert.answered(.value(["id": 1]))]) == 1)
    }

    @Test("code whose worker is killed while it waits goes on in another one, from the recorded answers")
    func killed() async {
        // In a process of its own: the workers of other tests are none of this one's business.
        await #expect(processExitsWith: .success) {
            for signal in [SIGKILL, SIGTERM] {
                let others = Set(HostileValueTests.workers())
                let desk = try CodeDesk()
                let job = CodeDesk.job(
                    "let n = args.n + 1; const a = await records.find('a'); return [n, a]",
                    args: ["n": 1]
                )
                let question = try await desk.question(job)
                let worker = try #require(HostileValueTests.workers().first { !others.contains($0) })
                kill(worker, signal)
                let value = try await desk.value(job, answers: [question.answered(.value([7]))])
                #expect(value == [2, [7]])
                #expect(try await desk.value("return 1") == 1)
            }
        }
    }

    /// This process's workers.
    static func workers() -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { pid in
            guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return false }
            let words = text.split(separator: " ")
            return words.count > 3 && words[1] == "(runnel-code-wor)" && words[3] == "\(getpid())"
        }
    }

    @Test("two runs at once never see each other's data, whoever waits and whoever goes on")
    func interleaved() async throws {
        let desk = try CodeDesk(cores: 2)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...20 as ClosedRange<Int64> {
                group.addTask {
                    let code = """
                        const seen = globalThis.secret; globalThis.secret = args.n;
                        const rows = await records.find('t' + args.n);
                        return [seen === undefined, globalThis.secret, rows[0]];
                        """
                    let job = CodeDesk.job(code, args: ["n": .int(number)], run: number)
                    let question = try await desk.question(job)
                    #expect(question.arguments.listValue?.first == .string("t\(number)"))
                    let value = try await desk.value(job, answers: [question.answered(.value([.int(number * 7)]))])
                    #expect(value == [true, .int(number), .int(number * 7)])
                }
            }
            try await group.waitForAll()
        }
    }
}
