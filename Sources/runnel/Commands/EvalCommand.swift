import ArgumentParser
import Expressions
import Foundation

struct EvalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval",
        abstract: "Evaluates a CEL expression.",
        discussion: "runnel eval 'order.total * 2' --with order.json   where the file holds {\"order\": {\"total\": 5}}"
    )

    @Argument(help: "The expression.") var expression: String
    @Option(name: .customLong("with"), help: "A JSON file: an object whose members are the variables.")
    var file: String?
    @Flag(help: "Check only; print nothing.") var check = false
    @Flag(help: "Print the type instead of the value.") var type = false

    @Flag(help: "Print what each part gave, inner parts first.") var explain = false

    func run() async throws {
        try await reporting {
            let variables = try readVariables()
            let names = variables.keys.compactMap { key -> String? in
                guard case .string(let name) = key else { return nil }
                return name
            }
            let declarations = Declarations(variables: names.map { .init($0, variables[$0]?.declaredType ?? .dynamic) })
            let bindings = Bindings(names.map { variables[$0] })
            if explain { return try explain(declarations, bindings) }
            let compilation = Expression.compile(expression, declarations: declarations)
            for finding in compilation.findings { show(finding) }
            guard let program = compilation.expression else { throw Exit.findings }
            if check { return }
            if type { return Console.data(compilation.deducedType) }
            do throws(EvaluationError) {
                Console.data(Self.text(of: try program.evaluate(in: bindings)))
            } catch {
                show(error)
                throw Exit.failed
            }
        }
    }

    private func explain(_ declarations: Declarations, _ bindings: Bindings) throws {
        let (compilation, result, trace) = Expression.explain(expression, declarations: declarations, in: bindings)
        for finding in compilation.findings { show(finding) }
        guard let result else { throw Exit.findings }
        let bytes = Array(expression.utf8)
        for entry in trace {
            let part = String(decoding: bytes[entry.range.clamped(to: 0..<bytes.count)], as: UTF8.self)
            switch entry.result {
            case .success(let value): Console.data("\(part)  →  \(Self.text(of: value))")
            case .failure(let error): Console.data("\(part)  →  error[\(error.code)]: \(error.message)")
            }
        }
        if case .failure(let error) = result {
            show(error)
            throw Exit.failed
        }
    }

    private static func text(of value: Value) -> String {
        String(decoding: (try? JSON.encode(value)) ?? JSON.encodeExact(value), as: UTF8.self)
    }

    private func readVariables() throws -> ValueMap {
        guard let file else { return ValueMap() }
        guard let data = FileManager.default.contents(atPath: file) else {
            throw CommandFailure("cannot read \(file)")
        }
        guard case .map(let variables) = try JSON.parse(Array(data)) else {
            throw CommandFailure("\(file) must hold a JSON object")
        }
        return variables
    }

    private func show(_ error: EvaluationError) {
        Console.note("error[\(error.code)]: \(error.message)")
        point(at: error.range)
    }

    private func show(_ finding: ExpressionFinding) {
        Console.note("\(finding.severity)[\(finding.code)]: \(finding.message)")
        point(at: finding.range)
        if let hint = finding.hint { Console.note("  \(hint)") }
    }

    /// Prints the line of the expression that a range of UTF-8 offsets starts in, and a caret line below it.
    private func point(at range: Range<Int>) {
        let bytes = Array(expression.utf8)
        let start = min(range.lowerBound, bytes.count)
        let lineStart = bytes[..<start].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let lineEnd = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        let before = String(decoding: bytes[lineStart..<start], as: UTF8.self).unicodeScalars.count
        let marked = String(decoding: bytes[start..<min(max(range.upperBound, start), lineEnd)], as: UTF8.self)
        Console.note("  " + String(decoding: bytes[lineStart..<lineEnd], as: UTF8.self))
        let caret = String(repeating: "~", count: max(0, marked.unicodeScalars.count - 1))
        Console.note("  " + String(repeating: " ", count: before) + "^" + caret)
    }
}

extension Value {
    /// What the checker may assume of a variable read from a file: the kind, not the members.
    fileprivate var declaredType: ExpressionType {
        switch self {
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        case .list: .list(.dynamic)
        case .map: .map(.string, .dynamic)
        case .timestamp: .timestamp
        case .duration: .duration
        case .null, .type, .optional: .dynamic
        }
    }
}
