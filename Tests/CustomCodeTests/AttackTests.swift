import CodeFrames
import Connections
import Expressions
import FlowEngine
import FlowLanguage
import Foundation
import Testing

@testable import CustomCode

@Suite("Code that wants too much ends, and nobody else notices", .serialized)
struct AttackTests {
    static let memoryAttacks = [
        "var m = new Map(); for (let i = 0; ; i++) m.set(i, { i })",
        "var s = 'a'; while (true) s += s + Math.random()",
        "var a = []; while (true) a.push(new ArrayBuffer(1 << 20))",
        "var a = []; while (true) a.push(new Uint8Array(65536).fill(1))",
        "var a = []; while (true) a.push('x'.repeat(100000) + a.length)",
        "new Array(2 ** 32 - 2).fill(1)",
        "var a = []; while (true) a.push(() => a)",
        "let x = []; for (;;) x = [x, x, new Array(1000).fill(x)]",
        "var a = []; for (let i = 0; ; i++) a.push(Symbol('s' + i))",
        "var a = {}; for (let i = 0; ; i++) a['k' + i] = i",
        "var a = []; for (let i = 0; ; i++) { const o = Object.create({}); o['x' + i] = 1; a.push(o) }",
        "var a = []; for (;;) a.push(class { static x = 1 })",
        "var a = []; for (;;) a.push(Function('return 1'))",
        "var a = []; for (let i = 0; ; i++) a.push(eval('(function f' + i + '() { return ' + i + ' })'))",
        "var a = []; for (;;) a.push(new Promise(() => {}))",
        "var a = []; for (let i = 0; ; i++) a.push(new Proxy({}, {}))",
        "var a = []; for (let i = 0; ; i++) a.push(new RegExp('a' + i))",
        "JSON.stringify(Array(1e7).fill({ a: 1 }))",
        "var a = []; for (let i = 1n; ; i *= 3n) a.push(i)",
        "(function f(n) { const big = new Array(1000).fill(n); return f(n + 1) + big.length })(0)",
        "var a = new Set(); for (let i = 0; ; i++) a.add('key ' + i)",
        "'x'.repeat(2 ** 28).split('')",
        "var a = []; for (let n = 2 ** 26; n > 9; ) try { a.push(new Uint8Array(n).fill(1)) } catch { n /= 2 }",
        "var a = []; for (let n = 2 ** 25; n > 9; ) try { a.push(new Array(n).fill(a)) } catch { n /= 2 }",
    ]

    @Test(
        "memory attacks stay within their budget",
        arguments: [64, 128, 256]
    )
    func memory(_ budget: Int) throws {
        let limits = CodeLimits(milliseconds: 30_000, megabytes: budget)
        for (index, attack) in Self.memoryAttacks.enumerated() {
            let worker = try WorkerProcess(CodeDesk.executable, budget: budget)
            let (outcome, peak) = try Self.run(attack, on: worker, limits)
            #expect(peak <= (budget << 20) * 11 / 10, "attack \(index) at \(budget) MB: \(peak >> 20) MB")
            if case .frame(let frame) = outcome { #expect(frame.kind != .returned, "attack \(index) returned") }
            if case .died(let death) = outcome { #expect(death != .timedOut, "attack \(index) ended by time alone") }
        }
    }

    @Test("four hundred calls leave less in their worker than one call may use")
    func leavesNothing() throws {
        let worker = try WorkerProcess(CodeDesk.executable, budget: 128)
        for call in 0..<400 {
            let code = call % 2 == 0 ? "return 1" : "Promise.reject(new Error('unheard'))"
            let frame = try CallFrame.make(CodeDesk.job(code))
            let outcome = worker.exchange(frame, .init(processor: .seconds(2), wall: .seconds(60), frames: 0)) { _ in }
            guard case .frame = outcome else { throw CodeDesk.Unexpected(step: "call \(call): \(outcome)") }
        }
        #expect(worker.residentBytes - worker.ready.residentBytes < 32 << 20)
    }

    @Test("the server's own memory is as before")
    func serverMemory() async {
        // In a process of its own: other tests take memory meanwhile.
        await #expect(processExitsWith: .success) {
            let desk = try CodeDesk()
            let limits = CodeLimits(milliseconds: 30_000, megabytes: 64)
            _ = await desk.pool.advance(CodeDesk.job(AttackTests.memoryAttacks[3], limits: limits), answers: [])
            let before = try AttackTests.residentBytes()
            for attack in AttackTests.memoryAttacks {
                _ = await desk.pool.advance(CodeDesk.job(attack, limits: limits), answers: [])
            }
            #expect(try AttackTests.residentBytes() - before < 8 << 20)
            #expect(try await desk.value("return 1") == 1)
        }
    }

    @Test("code that runs out of memory is told so by name, and the pool goes on")
    func isNamed() async throws {
        let desk = try CodeDesk()
        let limits = CodeLimits(milliseconds: 30_000, megabytes: 64)
        for attack in [Self.memoryAttacks[0], Self.memoryAttacks[3], Self.memoryAttacks[9]] {
            #expect(try await desk.failure(CodeDesk.job(attack, limits: limits)).code == "code-out-of-memory")
            #expect(try await desk.value("return 1") == 1)
        }
    }

    @Test("code that finds a used worker too small is run again in a new one; in a new one it has had its chance")
    func isRunAgain() throws {
        let limits = CodeLimits(milliseconds: 30_000, megabytes: 64)
        let configuration = try CodePool.Configuration(executable: CodeDesk.executable)
        let translation = HostCallTranslation(credentials: ExplicitCredentials(), connections: [])
        func run(_ code: String, _ worker: inout WorkerProcess?) -> CodeProgress.Step {
            let job = CodeDesk.job(code, limits: limits)
            let conversation = CodeConversation(job: job, answers: [], translation: translation, nil)
            return conversation.run(&worker, configuration).0.step
        }
        for isUsed in [true, false] {
            let first = try WorkerProcess(CodeDesk.executable, budget: 64)
            var worker: WorkerProcess? = first
            if isUsed, case .failed(let failure) = run("return 1", &worker) { Issue.record("\(failure)") }
            guard case .failed(let failure) = run(Self.memoryAttacks[0], &worker) else {
                throw CodeDesk.Unexpected(step: "it returned")
            }
            #expect(failure.code == "code-out-of-memory")
            #expect((worker === first) == !isUsed)
        }
    }

    static let timeAttacks = [
        "for (;;) {}",
        "while (true) new Array(1000).fill(0).map((x) => x + 1)",
        "(function f() { Promise.resolve().then(f) })(); await new Promise(() => {})",
        "for (;;) await null",
        "/(a+)+$/.test('a'.repeat(40) + 'b')",
        "/^(([a-z])+.)+[A-Z]([a-z])+$/.test('a'.repeat(60))",
        "for (;;) { try { throw 1 } catch {} finally { continue } }",
        "for (;;) JSON.parse(JSON.stringify(Array(1000).fill({ a: 1 })))",
        "const a = Array.from({ length: 1e5 }, (_, i) => i); for (;;) a.sort(() => Math.random() - 0.5)",
        "function* g() { while (true) yield 1 } for (const x of g()) {}",
        "for (let s = 'x'; ; ) s = s.replace(/x/g, 'xy').slice(0, 1000)",
        "const p = new Proxy({}, { get: (t, k, r) => r[k] }); for (;;) { try { p.x } catch {} }",
        "let n = 3n; for (;;) n = n ** 3n % (2n ** 4000n)",
        // The engine looks for circles at each level: half a second and more, and then it throws.
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; for (;;) { try { JSON.stringify(a) } catch {} }",
        "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return Array(100).fill(a)",
    ]

    @Test(
        "time attacks end within their limit and 0.6 s of processor time, and the next call is fine",
        arguments: timeAttacks
    )
    func time(_ attack: String) async throws {
        let worker = try WorkerProcess(CodeDesk.executable, budget: 128)
        let (outcome, _) = try Self.run(attack, on: worker, CodeLimits(milliseconds: 300))
        #expect(worker.processorTime <= .milliseconds(300 + 600), "\(worker.processorTime)")
        switch outcome {
        case .frame(let frame): #expect(CodeProblemFrame(frame.payload)?.code == "code-timed-out")
        case .died(let death): #expect(death == .timedOut)
        }
        #expect(try await CodeDesk().value("return 1") == 1)
    }

    @Test("whoever comes next to a worker whose code was stopped has a worker of its own", arguments: timeAttacks)
    func next(_ attack: String) async throws {
        let desk = try CodeDesk()
        for _ in 0..<2 {
            let failure = try await desk.failure(CodeDesk.job(attack, limits: CodeLimits(milliseconds: 100)))
            #expect(failure.code == "code-timed-out")
            #expect(try await desk.value("return 1") == 1)
        }
    }

    @Test("what goes on behind a throw is not charged to the next call")
    func behindThrow() async throws {
        let desk = try CodeDesk()
        let code = "(async () => { for (;;) await null })(); throw new Error('first')"
        let failure = try await desk.failure(CodeDesk.job(code, limits: CodeLimits(milliseconds: 700)))
        #expect(failure.code == "code-timed-out", "\(failure.message)")
        #expect(try await desk.value(CodeDesk.job("return 1", limits: CodeLimits(milliseconds: 10))) == 1)
    }

    @Test("without the cap on memory, the same code takes three times its budget")
    func withoutMemoryWall() throws {
        let options = ["without=memory", "unproved"]
        let worker = try WorkerProcess(CodeDesk.executable, budget: 64, options: options)
        let code = "var a = []; for (let i = 0; i < 3000; i++) a.push(new Uint8Array(65536).fill(1)); return a.length"
        let (outcome, peak) = try Self.run(code, on: worker, CodeLimits(milliseconds: 30_000, megabytes: 64))
        guard case .frame(let frame) = outcome else { throw CodeDesk.Unexpected(step: "\(outcome)") }
        #expect(frame.kind == .returned)
        #expect(peak > 190 << 20)
    }

    @Test("without the limit on time, the host alone ends a loop")
    func withoutTimeWall() throws {
        let options = ["without=time", "unproved"]
        let worker = try WorkerProcess(CodeDesk.executable, budget: 128, options: options)
        let (outcome, _) = try Self.run("for (;;) {}", on: worker, CodeLimits(milliseconds: 100))
        guard case .died(.timedOut) = outcome else { throw CodeDesk.Unexpected(step: "\(outcome)") }
        #expect(worker.processorTime >= .milliseconds(600))
    }

    @Test("a long call makes its worker the last that runs, a short one does not, and no call begins as the last")
    func longCallRunsLast() throws {
        let worker = try WorkerProcess(CodeDesk.executable, budget: 128)
        for (code, isLong) in [("return 1", false), ("for (let i = 0; ; i++);", true)] {
            let frame = try CallFrame.make(CodeDesk.job(code, limits: CodeLimits(milliseconds: 300)))
            let outcome = worker.exchange(frame, .start) { _ in }
            guard case .frame = outcome else { throw CodeDesk.Unexpected(step: "\(outcome)") }
            #expect(worker.isLast == isLong)
        }
        var kept: WorkerProcess? = worker
        let next = try CodeConversation.worker(&kept, .init(executable: CodeDesk.executable), budget: 128)
        #expect(!next.isLast)
        // Where the kernel lets nobody come forward again, there is a new one.
        #expect(next === worker || !worker.isAlive)
    }

    @Test("code that is stopped says where it was")
    func place() async throws {
        let limits = CodeLimits(milliseconds: 50)
        for (code, place) in [
            ("let n = 0;\nfor (;;) {\n  n++;\n}", "2:1"),
            ("const a = [2, 1];\nwhile (true) {\n  a.push(Math.sqrt(a.length));\n  a.pop();\n}", "3:"),
            ("function slow(n) {\n  for (;;) n = Math.sqrt(n);\n}\nawait null;\nslow(1)", "2:"),
        ] {
            let failure = try await CodeDesk().failure(CodeDesk.job(code, limits: limits))
            #expect(failure.code == "code-timed-out")
            #expect(failure.message.hasPrefix("code/test.js:\(place)"), "\(failure.message)")
        }
    }

    @Test("the time limit is the call's, over all its stretches")
    func stretches() async throws {
        let code = "for (let i = 0; ; i++) { for (let j = 0; j < 200000; j++); await records.find('t') }"
        let job = CodeDesk.job(code, limits: CodeLimits(milliseconds: 100, calls: 1_000))
        let desk = try CodeDesk()
        var answers: [CodeAnswer] = []
        while answers.count < 1_000 {
            let progress = await desk.pool.advance(job, answers: answers)
            guard case .asks(let question) = progress.step else {
                guard case .failed(let failure) = progress.step else {
                    throw CodeDesk.Unexpected(step: "\(progress.step)")
                }
                #expect(failure.code == "code-timed-out")
                return
            }
            answers.append(question.answered(.value([])))
        }
        Issue.record("a thousand stretches within one call's limit")
    }

    // MARK: Native code

    @Test("what native code would try next is refused, or ends the worker")
    func native() throws {
        var tried = 0
        for name in try Self.attempts() {
            let worker = try WorkerProcess(CodeDesk.executable, budget: 128)
            let outcome = worker.exchange(Frame(.attempt, Array(name.utf8)), .start) { _ in }
            tried += 1
            switch outcome {
            case .died(let death):
                #expect(death == .violated("a system call that is not on the list"), "\(name): \(death)")
            case .frame(let frame):
                var reader = FieldReader(frame.payload)
                let number = reader.number()
                let result = try #require(number)
                #expect(result < 0 && result != Int(Int32.min), "\(name) gave \(result)")
            }
        }
        #expect(tried >= 60)
    }

    @Test("without the kernel's lists the same attempts succeed or come back with other reasons")
    func nativeWithoutWalls() throws {
        let options = ["without=system-calls,landlock,open-files,file-size", "unproved"]
        var allowed: [String] = []
        for name in ["socket", "open", "mmap-exec", "mprotect-exec", "memfd", "dup", "uname", "kill-parent"] {
            let worker = try WorkerProcess(CodeDesk.executable, budget: 128, options: options)
            let outcome = worker.exchange(Frame(.attempt, Array(name.utf8)), .start) { _ in }
            guard case .frame(let frame) = outcome else { continue }
            var reader = FieldReader(frame.payload)
            if let result = reader.number(), result >= 0 { allowed.append(name) }
        }
        #expect(allowed.count >= 7, "\(allowed)")
    }

    // MARK: Means

    private static func attempts() throws -> [String] {
        let text = try String(
            contentsOfFile: #filePath.replacing(
                "Tests/CustomCodeTests/AttackTests.swift",
                with: "Sources/System/CSandbox/attempts.c"
            ),
            encoding: .utf8
        )
        return text.split(separator: "\n").compactMap { line in
            guard line.contains("do(\"") else { return nil }
            return line.split(separator: "\"").dropFirst().first.map(String.init)
        }
    }

    private static func run(
        _ code: String,
        on worker: WorkerProcess,
        _ limits: CodeLimits
    ) throws -> (outcome: WorkerProcess.Outcome, peakBytes: Int) {
        let frame = try CallFrame.make(CodeDesk.job(code, limits: limits))
        let time = Duration.milliseconds(limits.milliseconds)
        let allowance = WorkerProcess.Allowance(
            processor: time + .milliseconds(500),
            wall: time * 100 + .seconds(100),
            frames: 300
        )
        let outcome = worker.exchange(frame, allowance) { _ in }
        let peak = worker.peakBytes
        worker.end()
        return (outcome, peak)
    }

    static func residentBytes() throws -> Int {
        let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
        return (Int(text.split(separator: " ")[1]) ?? 0) * 4_096
    }
}
