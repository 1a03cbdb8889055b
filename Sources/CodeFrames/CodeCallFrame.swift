/// A piece of the builder's code with the name that errors call it by.
package struct CodeSource: Sendable, Hashable {
    package var name: String
    package var text: String

    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}

/// One call: the code, what it sees, and how much of everything it may use.
package struct CodeCallFrame: Sendable, Hashable {
    /// What one call may use at most.
    package struct Limits: Sendable, Hashable {
        /// Processor time, in milliseconds.
        package var milliseconds: Int
        /// Bytes of the returned JSON, and of each host call's.
        package var outputBytes: Int
        package var logLines: Int
        package var hostCalls: Int

        package init(milliseconds: Int, outputBytes: Int, logLines: Int, hostCalls: Int) {
            self.milliseconds = milliseconds
            self.outputBytes = outputBytes
            self.logLines = logLines
            self.hostCalls = hostCalls
        }
    }

    /// A name that the code sees, as JSON; or why it cannot be seen, told at the first look.
    package struct Global: Sendable, Hashable {
        package var name: String
        package var json: ArraySlice<UInt8>
        package var refusal: String?

        package init(name: String, json: ArraySlice<UInt8>, refusal: String? = nil) {
            self.name = name
            self.json = json
            self.refusal = refusal
        }
    }

    /// Bytes of one log line.
    package static let logBytes = 8_192

    package var limits: Limits
    /// What `Date` tells, in milliseconds since 1970.
    package var now: Int
    /// 32 bytes from which `Math.random` and `crypto` draw.
    package var seed: [UInt8]
    /// Integers may be larger than a double holds exactly, and are `BigInt` then.
    package var usesBigInt: Bool
    /// Whether the code has a Stripe client.
    package var hasStripe: Bool
    package var globals: [Global]
    /// Evaluated first, in this order.
    package var libraries: [CodeSource]
    /// The body of an async function.
    package var body: CodeSource

    package init(
        limits: Limits,
        now: Int,
        seed: [UInt8],
        usesBigInt: Bool,
        hasStripe: Bool,
        globals: [Global],
        libraries: [CodeSource],
        body: CodeSource
    ) {
        self.limits = limits
        self.now = now
        self.seed = seed
        self.usesBigInt = usesBigInt
        self.hasStripe = hasStripe
        self.globals = globals
        self.libraries = libraries
        self.body = body
    }

    package var frame: Frame {
        Frame(.call) { writer in
            for number in [limits.milliseconds, limits.outputBytes, limits.logLines, limits.hostCalls, now] {
                writer.write(number)
            }
            writer.write(seed)
            writer.write(usesBigInt ? 1 : 0)
            writer.write(hasStripe ? 1 : 0)
            writer.write(globals.count)
            for global in globals {
                writer.write(global.name)
                writer.write(global.json)
                writer.write(global.refusal ?? "")
            }
            CodeSource.write(libraries + [body], to: &writer)
        }
    }

    /// Nil when the payload is none.
    package init?(_ payload: [UInt8]) {
        var reader = FieldReader(payload)
        guard
            let milliseconds = reader.number(), let outputBytes = reader.number(), let logLines = reader.number(),
            let hostCalls = reader.number(), let now = reader.number(), let seed = reader.field(),
            let usesBigInt = reader.number(), let hasStripe = reader.number(), let count = reader.number()
        else { return nil }
        var globals: [Global] = []
        for _ in 0..<max(0, count) {
            guard let name = reader.text(), let json = reader.field(), let refusal = reader.text() else { return nil }
            globals.append(Global(name: name, json: json, refusal: refusal.isEmpty ? nil : refusal))
        }
        guard var sources = CodeSource.read(&reader), let body = sources.popLast() else { return nil }
        self.init(
            limits: Limits(
                milliseconds: milliseconds,
                outputBytes: outputBytes,
                logLines: logLines,
                hostCalls: hostCalls
            ),
            now: now,
            seed: Array(seed),
            usesBigInt: usesBigInt == 1,
            hasStripe: hasStripe == 1,
            globals: globals,
            libraries: sources,
            body: body
        )
    }
}

extension CodeSource {
    /// The frame that has the sources parsed: libraries first, the body last.
    package static func checkFrame(_ sources: [CodeSource]) -> Frame {
        Frame(.check) { write(sources, to: &$0) }
    }

    static func write(_ sources: [CodeSource], to writer: inout FieldWriter) {
        writer.write(sources.count)
        for source in sources {
            writer.write(source.name)
            writer.write(source.text)
        }
    }

    package static func read(_ reader: inout FieldReader) -> [CodeSource]? {
        guard let count = reader.number() else { return nil }
        var sources: [CodeSource] = []
        for _ in 0..<max(0, count) {
            guard let name = reader.text(), let text = reader.text() else { return nil }
            sources.append(CodeSource(name: name, text: text))
        }
        return sources
    }
}

/// What a host call gave the code.
package struct HostAnswerFrame: Sendable, Hashable {
    package enum Outcome: Int, Sendable, Hashable {
        /// The value, as JSON.
        case value = 0
        /// An answer over HTTP: headers as JSON, the body as it came.
        case response = 1
        /// The call failed: `{code, type, message, …}` as JSON.
        case failure = 2
    }

    package var outcome: Outcome
    package var status: Int
    package var headers: [UInt8]
    package var body: [UInt8]

    package init(outcome: Outcome, status: Int = 0, headers: [UInt8] = [], body: [UInt8]) {
        self.outcome = outcome
        self.status = status
        self.headers = headers
        self.body = body
    }

    package var frame: Frame {
        Frame(.answer) { writer in
            writer.write(outcome.rawValue)
            writer.write(status)
            writer.write(headers)
            writer.write(body)
        }
    }

    /// Nil when the payload is none.
    package init?(_ payload: [UInt8]) {
        var reader = FieldReader(payload)
        guard
            let outcome = reader.number().flatMap(Outcome.init(rawValue:)), let status = reader.number(),
            let headers = reader.field(), let body = reader.field()
        else { return nil }
        self.init(outcome: outcome, status: status, headers: Array(headers), body: Array(body))
    }
}

/// Why code did not return.
package struct CodeProblemFrame: Sendable, Hashable {
    /// A place in the text of a ``CodeSource``, counted from 1.
    package struct Place: Sendable, Hashable {
        package var source: String
        package var line: Int
        package var column: Int

        package init(source: String, line: Int, column: Int) {
            self.source = source
            self.line = line
            self.column = column
        }
    }

    /// Such as `code-threw`.
    package var code: String
    package var message: String
    /// The innermost first.
    package var stack: [Place]
    /// What was thrown, as JSON: `{name, message, type, code, …}`; empty for what was not thrown.
    package var thrown: [UInt8]

    package init(code: String, message: String, stack: [Place] = [], thrown: [UInt8] = []) {
        self.code = code
        self.message = message
        self.stack = stack
        self.thrown = thrown
    }

    package var frame: Frame {
        Frame(.problem) { writer in
            writer.write(code)
            writer.write(message)
            writer.write(thrown)
            writer.write(stack.count)
            for place in stack {
                writer.write(place.source)
                writer.write(place.line)
                writer.write(place.column)
            }
        }
    }

    /// Nil when the payload is none.
    package init?(_ payload: [UInt8]) {
        var reader = FieldReader(payload)
        guard let code = reader.text(), let message = reader.text(), let thrown = reader.field(),
            let count = reader.number(), count <= 64
        else { return nil }
        var stack: [Place] = []
        for _ in 0..<max(0, count) {
            guard let source = reader.text(), let line = reader.number(), let column = reader.number() else {
                return nil
            }
            stack.append(Place(source: source, line: line, column: column))
        }
        self.init(code: code, message: message, stack: stack, thrown: Array(thrown))
    }
}
