import CJavaScriptCore
import CSandbox
import CodeFrames

/// One call of code, from its frame to its end.
final class RunningCall {
    /// The call whose code is running; the engine's callbacks have no other way to it.
    // Only the worker's one thread that runs code touches it.
    nonisolated(unsafe) static var current: RunningCall?

    private let engine: ScriptEngine
    private let script: ScriptContext
    private let call: CodeCallFrame
    /// Nanoseconds of processor time used before the present entry into the engine.
    private var used: UInt64 = 0
    private var lines = 0
    private var asks = 0
    private var answered = 0
    /// Bytes of each host call that was made, and of those that are open: the host keeps them until their turn.
    private var sizes: [Int] = []
    private var open = 0
    /// How the code failed; told once the engine has come back, so that what goes on behind a `throw` is this call's own time.
    private var problem: CodeProblemFrame?
    private(set) var isOver = false
    /// Whether the time ran out.
    ///
    /// An engine that was stopped somewhere may abort when it makes the next call's context: a request to stop that comes
    /// late stops whatever it does then.
    private(set) var isSpent = false
    /// What the body returned: the code is over when nothing that it asked is open any more.
    private var result: [UInt8]?
    /// Where the code was when its time had run out.
    private var stopped: [CodeProblemFrame.Place]?

    init(_ call: CodeCallFrame, engine: ScriptEngine, script: ScriptContext) {
        self.call = call
        self.engine = engine
        self.script = script
    }

    /// The body becomes an async function; its own first line stays the first behind this one.
    static let opening = "(async function () { \"use strict\";\n"
    static let closing = "\n})"
    /// The body elsewhere: one that ends the function above itself, and begins another, parses there alone.
    static let otherOpening = "(class { static async body() {\n"
    static let otherClosing = "\n}})"

    func start() {
        enter { () throws(ScriptContext.Thrown) in
            let seed = call.seed.map { byte in
                let digits = Array("0123456789abcdef".utf8)
                return [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }.joined()
            try script.call(
                "begin",
                [.number(call.now), .text(String(decoding: seed, as: UTF8.self)), .bool(call.usesBigInt)]
            )
            for global in call.globals {
                try script.call("define", [.text(global.name), .bytes(global.json), .text(global.refusal ?? "")])
            }
            if call.hasStripe { try script.call("stripe") }
            for (index, library) in call.libraries.enumerated() {
                try script.evaluate(library.text, name: SourceName.of(index))
            }
            let body = Self.opening + call.body.text + Self.closing
            let function = try script.evaluate(body, name: SourceName.of(call.libraries.count))
            try script.call("run", [.value(function)])
        }
    }

    func answer(_ answer: HostAnswerFrame) {
        guard answered < asks else { return end(.init(code: "code-crashed", message: "an answer without a question")) }
        let index = answered
        answered += 1
        open -= sizes[index]
        enter { () throws(ScriptContext.Thrown) in
            let isText = String(validating: answer.body, as: UTF8.self) != nil
            try script.call(
                "settle",
                [
                    .number(index), .number(answer.outcome.rawValue), .number(answer.status), .bytes(answer.headers),
                    isText ? .bytes(answer.body) : .binary(answer.body), .bool(!isText),
                ]
            )
        }
    }

    // MARK: Into the engine and back

    private func enter(_ body: () throws(ScriptContext.Thrown) -> Void) {
        let limit = UInt64(max(1, call.limits.milliseconds)) * 1_000_000
        let before = sandbox_thread_time()
        guard used < limit else {
            isSpent = true
            return endAtLimit()
        }
        engine.setTimeLimit(nanoseconds: limit - used)
        Self.current = self
        var thrown: JSValueRef?
        do throws(ScriptContext.Thrown) { try body() } catch { thrown = error.value }
        Self.current = nil
        used += sandbox_thread_time() - before
        isSpent = stopped != nil || used >= limit
        if let problem { return end(problem) }
        if isSpent { return endAtLimit() }
        if let thrown { return endThrown(thrown) }
        if answered < asks { return Pipe.write(Frame(.waiting)) }
        if let result {
            isOver = true
            return Pipe.write(Frame(.returned, result))
        }
        end(.init(code: "code-never-settles", message: "the code awaits something that nothing will settle"))
    }

    private func endAtLimit() {
        end(
            CodeProblemFrame(
                code: "code-timed-out",
                message: "the code used more than \(call.limits.milliseconds) ms of processor time",
                stack: stopped ?? []
            )
        )
    }

    /// What a library threw, or the body that does not even parse.
    private func endThrown(_ value: JSValueRef) {
        let place = SourceName.place(
            source: script.text("sourceURL", of: value),
            line: script.text("line", of: value),
            column: script.text("column", of: value),
            in: call.libraries + [call.body]
        )
        let text = utf8(of: value, in: script.context).map { String(decoding: $0, as: UTF8.self) }
        let isSyntax = text?.hasPrefix("SyntaxError") == true
        end(
            CodeProblemFrame(
                code: isSyntax ? "code-syntax" : "code-threw",
                message: text ?? "something that cannot be shown",
                stack: place.map { [$0] } ?? []
            )
        )
    }

    private func end(_ problem: CodeProblemFrame) {
        isOver = true
        Pipe.write(problem.frame)
    }

    func noteTimeout(in context: JSContextRef?) {
        stopped = []
        // A new error knows where each function made its last call; a loop without calls leaves its function's beginning.
        guard let context, let error = JSObjectMakeError(context, 0, nil, nil),
            let trace = script.member("stack", of: error).flatMap({ utf8(of: $0, in: context) })
        else { return }
        stopped = Array(SourceName.places(trace, in: call.libraries + [call.body], isOfFunctions: true).prefix(4))
    }

    /// An error ends the code although nobody waits for its promise.
    func noteRejection(of error: JSValueRef?) {
        // What the runtime's function throws itself has nobody to go to.
        _ = try? script.call("thrown", [.value(error)])
    }

    // MARK: What the runtime asks for

    private enum Request: Int { case ask = 1, log, returned, failed }

    /// - Returns: What was exceeded; nil when the request was granted.
    func serve(_ kind: Int, _ arguments: [[UInt8]]) -> String? {
        guard problem == nil else { return nil }
        switch (Request(rawValue: kind), arguments.count) {
        case (.ask, 2):
            guard asks < call.limits.hostCalls else {
                return "code-too-many-calls: more than \(call.limits.hostCalls) host calls"
            }
            guard arguments[1].count <= call.limits.outputBytes else {
                return "code-output-too-large: the call's arguments are \(largerThanAllowed)"
            }
            guard open + arguments[1].count <= 4 * call.limits.outputBytes else {
                let most = 4 * call.limits.outputBytes
                return "code-output-too-large: the open host calls are together larger than \(most) bytes"
            }
            asks += 1
            open += arguments[1].count
            sizes.append(arguments[1].count)
            Pipe.write(
                Frame(.ask) {
                    $0.write(arguments[0]); $0.write(arguments[1])
                }
            )
        case (.log, 2):
            lines += 1
            // One line more says that there were more.
            guard lines <= call.limits.logLines + 1 else { return nil }
            let text = lines > call.limits.logLines ? Array("further lines are left out".utf8) : arguments[1]
            Pipe.write(
                Frame(.log) {
                    $0.write(arguments[0]); $0.write(text.prefix(CodeCallFrame.logBytes))
                }
            )
        case (.returned, 1):
            guard arguments[0].count <= call.limits.outputBytes else {
                problem = .init(
                    code: "code-output-too-large",
                    message: "what the code returned is \(largerThanAllowed)"
                )
                return nil
            }
            result = arguments[0]
        case (.failed, 3):
            guard stopped == nil else { return nil }
            let message = String(decoding: arguments[0], as: UTF8.self)
            let code = ["code-too-many-calls", "code-output-too-large"].first { message.contains($0 + ": ") }
            let sign = "Error: \(code ?? ""): "
            let text = message.hasPrefix(sign) ? message.dropFirst(sign.count) : message[...]
            problem = CodeProblemFrame(
                code: code ?? "code-threw",
                message: String(text.prefix(2_000)),
                stack: SourceName.places(arguments[2], in: call.libraries + [call.body]),
                thrown: Array(arguments[1].prefix(16 << 10))
            )
        default: return "code-crashed: a request that the runtime does not make"
        }
        return nil
    }

    private var largerThanAllowed: String { "larger than \(call.limits.outputBytes) bytes" }
}
