import Expressions
import FlowEngine
import FlowLanguage
import Testing

@testable import CustomCode

@Suite("Code is over when its body has returned and nothing that it asked is open")
struct CodeEndTests {
    let desk: CodeDesk

    init() throws { desk = try CodeDesk() }

    @Test("a call that nobody awaits is made all the same, and what follows from it too")
    func unawaited() async throws {
        let result = try await desk.played(
            CodeDesk.job(
                """
                stripe.customers.create({ name: 'a' }).then((customer) => stripe.customers.del(customer.id));
                return 'early';
                """
            ),
            [.json("{\"id\":\"cus_1\"}"), .json("{}")]
        )
        #expect(result.value == "early")
        #expect(result.requests.map(\.path) == ["/v1/customers", "/v1/customers/cus_1"])
    }

    @Test("code wrapped in a function of its own, as scripts are, is waited for")
    func wrapped() async throws {
        let result = try await desk.played(
            CodeDesk.job(
                """
                (async () => {
                  const customer = await stripe.customers.create({ email: 'customer@example.com' });
                  console.log(customer.id);
                })();
                """
            ),
            [.json("{\"id\":\"cus_1\"}")]
        )
        #expect(result.lines == ["cus_1"])
        #expect(result.value == .null)
    }

    @Test("an error that nobody catches fails the block, whoever should have awaited it")
    func unhandled() async throws {
        let failure = try await desk.failure("Promise.reject(new TypeError('lost'));\nawait null; return 1")
        #expect(failure.code == "code-threw")
        #expect(failure.message.contains("TypeError: lost"), "\(failure.message)")
        #expect(failure.message.hasPrefix("code/test.js:1:"), "\(failure.message)")
        let later = CodeDesk.job("records.find('orders'); return 1")
        let question = try await desk.question(later)
        let answer = question.answered(.failure(BlockFailure(code: "no_table", type: "record", message: "none")))
        #expect(try await desk.failure(later, answers: [answer]).message.contains("HostError: none"))
    }

    @Test("an error that is caught in time fails nothing")
    func handled() async throws {
        let code = """
            const results = await Promise.allSettled([Promise.reject(1), (async () => { throw new Error('a') })()]);
            const late = (async () => { throw new Error('b') })();
            try { await late } catch {}
            return results.map((result) => result.status);
            """
        #expect(try await desk.value(code) == ["rejected", "rejected"])
    }

    @Test("after a restart, what was made without waiting is made in the same order and once")
    func repeats() async throws {
        let job = CodeDesk.job("records.insert('a', { n: 1 }); records.insert('b', { n: 2 }); return 1")
        let first = try await desk.question(job).answered(.value(["id": 1]))
        let second = try await CodeDesk().question(job, answers: [first]).answered(.value(["id": 2]))
        #expect(second.arguments.listValue?.first == "b")
        #expect(try await CodeDesk().value(job, answers: [first, second]) == 1)
    }

    @Test("what is written after the return, beyond the limits, is limited like everything else")
    func limits() async throws {
        let limits = CodeLimits(milliseconds: 50, calls: 3)
        let endless = CodeDesk.job("(async () => { for (;;) await null })(); return 1", limits: limits)
        #expect(try await desk.failure(endless).code == "code-timed-out")
        let many = CodeDesk.job("for (let i = 0; i < 4; i++) records.find('a'); return 1", limits: limits)
        let failure = try await desk.failure(many)
        #expect(failure.code == "code-too-many-calls")
    }

    @Test("two engines that share a pool never go on with each other's code")
    func owners() async throws {
        var first = CodeDesk.job("return await records.find(args.t)", args: ["t": "a"])
        var second = CodeDesk.job("return await records.find(args.t)", args: ["t": "b"])
        first.owner = CodeOwner()
        second.owner = CodeOwner()
        let questions = [try await desk.question(first), try await desk.question(second)]
        #expect(questions.map { $0.arguments.listValue?.first } == ["a", "b"])
        #expect(try await desk.value(first, answers: [questions[0].answered(.value(["one"]))]) == ["one"])
        #expect(try await desk.value(second, answers: [questions[1].answered(.value(["two"]))]) == ["two"])
        #expect(desk.pool.counts.continued == 2)
    }
}
