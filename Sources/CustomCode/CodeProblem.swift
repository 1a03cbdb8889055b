import CodeFrames
import Expressions
import FlowEngine
import FlowLanguage

/// Tells a builder what became of the code, in the builder's own lines.
struct CodeProblem {
    private let block: CodeBlock

    init(_ block: CodeBlock) { self.block = block }

    func failure(of payload: [UInt8]) -> BlockFailure {
        guard let problem = CodeProblemFrame(payload) else {
            return .code("code-crashed", "the worker ended the code without saying why")
        }
        var failure = BlockFailure.code(problem.code, message(of: problem))
        if problem.code == "code-threw" { describe(problem.thrown, &failure) }
        return failure
    }

    func failure(of death: WorkerProcess.Death) -> BlockFailure {
        switch death {
        case .timedOut:
            .code("code-timed-out", "the code used more than \(block.limits.milliseconds) ms, and did not stop")
        case .outOfMemory: .code("code-out-of-memory", "the code needed more than \(block.limits.megabytes) MB")
        case .killed: .code("code-crashed", "the code's worker was killed, twice", retryable: true)
        case .spent: .code("code-crashed", "the code's worker ended before it began", retryable: true)
        case .crashed(let how): .code("code-crashed", "the code's worker ended: \(how)")
        case .violated(let what): .code("code-crashed", "the code's worker was ended: \(what)")
        }
    }

    private func message(of problem: CodeProblemFrame) -> String {
        var stack = problem.stack
        if problem.code == "code-timed-out", let first = stack.first { stack[0] = loop(after: first) }
        let places = stack.map(text)
        let message = problem.message + Self.hint(to: problem.message)
        guard let first = places.first else { return message }
        let callers = places.dropFirst().prefix(8).map { "\n  called at \($0)" }.joined()
        return "\(first): \(message)\(callers)"
    }

    /// Code that was stopped in a loop without calls was last seen at its beginning: its first loop is meant.
    private func loop(after place: CodeProblemFrame.Place) -> CodeProblemFrame.Place {
        guard place.line == 1, place.column == 1, place.source == block.body.file,
            let loop = JavaScriptNames.uses(of: ["for", "while", "do"], in: block.body.text).first
        else { return place }
        return CodeProblemFrame.Place(source: place.source, line: loop.line, column: loop.column)
    }

    /// What stands here in the place of a name that other surroundings have.
    private static func hint(to message: String) -> String {
        let sign = "ReferenceError: Can't find variable: "
        guard message.hasPrefix(sign) else { return "" }
        switch message.dropFirst(sign.count) {
        case "require", "module", "exports":
            return " (there are no modules: 'Stripe' is a global, functions of 'code/lib' are named under 'use')"
        case "process": return " (code has no environment: what it needs comes in 'args')"
        case "Buffer": return " (there are TextEncoder, TextDecoder, btoa and atob)"
        case "window", "document", "self", "global": return " (code has no page: 'globalThis' holds its names)"
        case "stripe", "Stripe": return " (a page flow has no Stripe client: run a cloud flow with 'runFlow')"
        case "XMLHttpRequest", "WebSocket", "EventSource": return " (there is 'fetch')"
        default: return ""
        }
    }

    private func text(_ place: CodeProblemFrame.Place) -> String {
        guard let source = ([block.body] + block.libraries).first(where: { $0.file == place.source }) else {
            return place.source
        }
        let position = source.position(line: place.line, column: place.column)
        return "\(SourceRange.pathInApp(source.file)):\(position.line):\(position.column)"
    }

    /// What a thrown error of Stripe's, or of a host call, says beside its message.
    private func describe(_ thrown: [UInt8], _ failure: inout BlockFailure) {
        // It was written by the code's own engine: what cannot be read is left out.
        guard let value = try? JSON.parse(thrown) else { return }
        if value["name"]?.stringValue == "RangeError", value["message"]?.stringValue == "Out of memory" {
            failure.code = "code-out-of-memory"
        }
        failure.declineCode = value["decline_code"]?.stringValue
        failure.param = value["param"]?.stringValue
        failure.requestID = value["requestId"]?.stringValue
        let status = value["statusCode"]?.intValue ?? value["status"]?.intValue
        if let status, (400...599).contains(status) { failure.status = Int(status) }
    }
}

/// Compares what code returned with what the block says it returns.
struct ReturnCheck {
    private let block: CodeBlock

    init(_ block: CodeBlock) { self.block = block }

    func check(_ json: [UInt8]) throws(CodeEnd) -> Value {
        let value: Value
        do throws(JSONError) {
            value = try JSON.parse(json)
        } catch {
            throw CodeEnd(.code("code-returned", "what the code returned: \(JSONPlace.describe(json, error))"))
        }
        if !block.usesBigInt, UnsafeInteger.mayStand(in: json), let path = value.pathOfUnsafeInteger {
            throw CodeEnd(
                .code(
                    "code-integer-too-large",
                    "what the code returned: \(path) is beyond 2^53; the block says 'bigint: true' for such"
                )
            )
        }
        guard !block.returns.isEmpty else { return value }
        guard case .map(let members) = value else {
            throw CodeEnd(
                .code("code-returned", "the code returned \(value.kindName), not the object that 'returns' describes")
            )
        }
        switch InputCheck(block.returns).check(members) {
        case .success(let checked): return .map(checked)
        case .failure(let invalid):
            let text = invalid.findings.map { finding in
                let message =
                    finding.message == "is not an input of this flow" ? "is not in 'returns'" : finding.message
                return "'\(finding.path)' \(message)"
            }
            throw CodeEnd(.code("code-returned", "what the code returned: \(text.joined(separator: "; "))"))
        }
    }
}

extension Value {
    /// Where an integer stands that a double does not hold exactly; nil when there is none.
    var pathOfUnsafeInteger: String? {
        let largest: Int64 = (1 << 53) - 1
        switch self {
        case .int(let number): return number > largest || number < -largest ? "the value" : nil
        case .uint(let number): return number > UInt64(largest) ? "the value" : nil
        case .list(let items):
            for (index, item) in items.enumerated() {
                if let path = item.pathOfUnsafeInteger { return "[\(index)]" + Self.inner(path) }
            }
            return nil
        case .map(let map):
            for (key, item) in map {
                if let path = item.pathOfUnsafeInteger { return (key.stringValue ?? "?") + Self.inner(path) }
            }
            return nil
        case .optional(let optional): return optional.value?.pathOfUnsafeInteger
        default: return nil
        }
    }

    private static func inner(_ path: String) -> String {
        path == "the value" ? "" : path.hasPrefix("[") ? path : "." + path
    }
}
