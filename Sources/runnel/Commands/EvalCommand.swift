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

    func run() async throws {
        try await reporting {
            let variables = try readVariables()
            let names = variables.keys.compactMap { key -> String? in
                guard case .string(let name) = key else { return nil }
                return name
            }
            let declarations = Declarations(variables: names.map { .init($0, .dynamic) })
            let compilation = Expression.compile(expression, declarations: declarations)
            for finding in compilation.findings { show(finding) }
            guard let program = compilation.expression else { throw Exit.findings }
            if check { return }
            if type {
                Console.data("\(compilation.type)")
                return
            }
            do throws(EvaluationError) {
                let value = try program.evaluate(in: Bindings(names.map { variables[$0] }))
                let text = (try? JSON.encode(value)) ?? JSON.encodeExact(value)
                Console.data(String(decoding: text, as: UTF8.self))
            } catch {
                Console.note("error[\(error.code)]: \(error.message)")
                point(at: error.range)
                throw Exit.failed
            }
        }
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
