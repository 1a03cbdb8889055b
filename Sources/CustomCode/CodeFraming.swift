import CodeFrames
import Expressions
import FlowEngine
import FlowLanguage

/// Writes the frame that starts a call.
enum CallFrame {
    static let outputBytes = 4 << 20

    static func make(_ job: CodeJob) throws(CodeEnd) -> Frame {
        let block = job.block
        var globals: [CodeCallFrame.Global] = []
        let values = [
            ("args", job.args), ("input", job.input), ("trigger", job.trigger), ("vars", job.variables),
            ("run", job.run),
        ]
        for (name, value) in values {
            let global = global(name, value, usesBigInt: block.usesBigInt)
            // What was given to the code is meant to be looked at.
            if name == "args", let refusal = global.refusal {
                throw CodeEnd(.code("code-integer-too-large", refusal))
            }
            globals.append(global)
        }
        return CodeCallFrame(
            limits: .init(
                milliseconds: block.limits.milliseconds,
                outputBytes: outputBytes,
                logLines: block.limits.logLines,
                hostCalls: block.limits.calls
            ),
            now: Int(job.now.seconds) * 1_000 + Int(job.now.nanoseconds) / 1_000_000,
            seed: job.seed,
            usesBigInt: block.usesBigInt,
            hasStripe: block.stripe != nil,
            globals: globals,
            libraries: block.libraries.map { CodeSource(name: $0.file, text: $0.text) },
            body: CodeSource(name: block.body.file, text: block.body.text)
        ).frame
    }

    /// What cannot be shown is told when the code looks at it, not before: most code never does.
    private static func global(_ name: String, _ value: Value, usesBigInt: Bool) -> CodeCallFrame.Global {
        do throws(JSONError) {
            let json = try JSON.encode(value)
            if !usesBigInt, UnsafeInteger.mayStand(in: json), let path = value.pathOfUnsafeInteger {
                let text = "\(name): \(path) is an integer beyond 2^53; the block says 'bigint: true' to see it"
                return CodeCallFrame.Global(name: name, json: [], refusal: text)
            }
            return CodeCallFrame.Global(name: name, json: json[...])
        } catch {
            return CodeCallFrame.Global(
                name: name,
                json: [],
                refusal: "\(name) cannot be shown to code: \(error.message)"
            )
        }
    }
}

/// Integers that a double does not hold exactly.
enum UnsafeInteger {
    /// 2^53 has sixteen digits.
    private static let digits = 16

    /// Whether so many digits follow one another; mostly no, and then no value need be looked at.
    static func mayStand(in json: [UInt8]) -> Bool {
        var end = digits - 1
        while end < json.count {
            var start = end
            while start > end - digits, isDigit(json[start]) { start -= 1 }
            if start == end - digits { return true }
            end = start + digits
        }
        return false
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }
}

/// Writes the frame with what a host call gave.
enum AnswerFrame {
    static func make(_ outcome: CodeAnswer.Outcome, _ block: CodeBlock) throws(CodeEnd) -> Frame {
        do throws(JSONError) {
            switch outcome {
            case .value(let value):
                let json = try JSON.encode(value)
                if !block.usesBigInt, UnsafeInteger.mayStand(in: json), let path = value.pathOfUnsafeInteger {
                    let text = "the answer's \(path) is beyond 2^53; the block says 'bigint: true' for such"
                    return try failure(.code("code-integer-too-large", text))
                }
                return HostAnswerFrame(outcome: .value, body: json).frame
            case .response(let answer):
                var headers = ValueMap(minimumCapacity: answer.headers.count)
                for (name, value) in answer.headers { headers[name] = .string(value) }
                let encoded = try JSON.encode(.map(headers))
                return HostAnswerFrame(
                    outcome: .response,
                    status: answer.status,
                    headers: encoded,
                    body: answer.body
                ).frame
            case .failure(let failure): return try self.failure(failure)
            }
        } catch {
            throw CodeEnd(
                .code("code-call-invalid", "an answer cannot be shown to code: \(error.message)"),
                endsWorker: true
            )
        }
    }

    private static func failure(_ failure: BlockFailure) throws(JSONError) -> Frame {
        let value: Value = [
            "code": .string(failure.code), "type": .string(failure.type), "message": .string(failure.message),
            "status": failure.status.map { .int(Int64($0)) } ?? .null,
            "param": failure.param.map(Value.string) ?? .null,
        ]
        return HostAnswerFrame(outcome: .failure, body: try JSON.encode(value)).frame
    }
}

/// Says where in a JSON text a reader stopped, by names instead of bytes.
enum JSONPlace {
    static func describe(_ json: [UInt8], _ error: any Error) -> String {
        guard let error = error as? JSONError else { return "\(error)" }
        let path = path(json, to: error.offset)
        return path.isEmpty ? error.message : "\(path): \(error.message)"
    }

    /// The way to a byte: `items[3].price`; cut after eight steps.
    static func path(_ json: [UInt8], to offset: Int) -> String {
        enum Level { case list(Int), map(String) }
        var levels: [Level] = []
        var index = 0
        var key = ""
        while index < min(offset, json.count) {
            let byte = json[index]
            switch byte {
            case UInt8(ascii: "["): levels.append(.list(0))
            case UInt8(ascii: "{"): levels.append(.map(""))
            case UInt8(ascii: "]"), UInt8(ascii: "}"): levels = levels.dropLast()
            case UInt8(ascii: ","):
                if case .list(let number)? = levels.last { levels[levels.count - 1] = .list(number + 1) }
            case UInt8(ascii: ":"):
                if case .map? = levels.last { levels[levels.count - 1] = .map(key) }
            case UInt8(ascii: "\""):
                let start = index + 1
                index = start
                while index < json.count, json[index] != UInt8(ascii: "\"") {
                    index += json[index] == UInt8(ascii: "\\") ? 2 : 1
                }
                key = String(decoding: json[min(start, json.count)..<min(index, json.count)].prefix(40), as: UTF8.self)
            default: break
            }
            index += 1
        }
        var text = ""
        for level in levels.prefix(8) {
            switch level {
            case .list(let number): text += "[\(number)]"
            case .map(let name): text += text.isEmpty ? name : "." + name
            }
        }
        return levels.count > 8 ? text + "…" : text
    }
}
