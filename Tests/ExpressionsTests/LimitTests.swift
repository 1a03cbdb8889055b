import Expressions
import Foundation
import Testing

/// Runs work on a thread with a small stack and waits for it: 512 KB, as threads other than the first may have; more in
/// debug builds, whose frames are far larger.
func onSmallStack(_ work: @escaping @Sendable () -> Void) {
    let done = DispatchSemaphore(value: 0)
    let thread = Thread {
        work()
        done.signal()
    }
    thread.stackSize = _isDebugAssertConfiguration() ? 4 << 20 : 512 << 10
    thread.start()
    done.wait()
}

@Suite("Limits of expressions")
struct LimitTests {
    static func nested(_ depth: Int) -> [String] {
        func repeated(_ text: String, _ count: Int = 1) -> String { String(repeating: text, count: depth * count) }
        return [
            repeated("(") + "1" + repeated(")"), repeated("[") + "1" + repeated("]"),
            repeated("{1: ") + "1" + repeated("}"), repeated("!") + "true", repeated("-") + "x",
            repeated("true ? 1 : ") + "1", "1" + repeated(" + 1"), "true" + repeated(" && true"),
            "x" + repeated(".a"), "x" + repeated("[0]"), repeated("int(") + "1" + repeated(")"),
            repeated("[1].map(x, ") + "x" + repeated(")"), repeated("[1].all(x, ") + "true" + repeated(")"),
            repeated("cel.bind(a, 1, ") + "a" + repeated(")"), "''" + repeated(".trim()"),
            "optional.of(x)" + repeated(".or(optional.none())"), repeated("{'a': [") + "1" + repeated("]}"),
            repeated("1 + (2 * (") + "1" + repeated("))"), repeated("x[x[") + "0" + repeated("]]"),
            repeated("(x || (x && (1 == (1 + (1 * (") + "1" + repeated("))))))"),
        ]
    }

    @Test(
        "an expression of any depth is compiled, evaluated or refused on a small stack",
        arguments: [20, 59, 149, 5000]
    )
    func depth(depth: Int) {
        onSmallStack {
            for text in Self.nested(depth) {
                let declarations = Declarations([.init("x", .dynamic)])
                let compilation = Expression.compile(text, declarations: declarations)
                if depth == 5000 { #expect(compilation.expression == nil) }
                _ = try? compilation.expression?.evaluate(in: Bindings([.int(1)]))
                for finding in compilation.findings {
                    #expect(finding.range.lowerBound >= 0 && finding.range.upperBound <= text.utf8.count)
                }
            }
        }
    }

    @Test(
        "what would take too long ends with a budget error",
        arguments: [
            "l.map(a, l.map(b, l.map(c, l.map(d, a + b + c + d))))", "l.all(a, l.all(b, l.all(c, l.all(d, a < 1000))))",
            "lists.range(1000000000)", "l.filter(a, l.exists(b, l.exists(c, l.exists(d, a + b + c + d < 0))))",
            "l.sortBy(a, l.sortBy(b, l.sortBy(c, l.map(d, d).size())).size())",
            "l.all(a, l.all(b, l.all(c, !('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' + string(c)).matches('(a|aa)+(a|aa)+b'))))",
            doubled("x + x", "'0123456789'"), doubled("x + x", "[1, 2]"), doubled("[x, x]", "[1]"),
            doubled("{'a': x, 'b': x}", "{'a': 1}"), doubled("x.replace('0', '00')", "'0000000000'"),
            "cel.bind(z, \(doubled("[x, x]", "[1]")), z == z)", "'0'.replace('', '0123456789')" + pad(50),
        ]
    )
    func budget(text: String) {
        let compilation = Expression.compile(text, declarations: Declarations([.init("l", .list(.int))]))
        #expect(compilation.findings.filter { $0.severity == .error } == [])
        let list = Value.list((0..<200).map { .int($0) })
        #expect {
            _ = try compilation.expression?.evaluate(in: Bindings([list]))
        } throws: { error in
            (error as? EvaluationError)?.code == EvaluationError.Code.budgetExceeded
        }
    }

    /// Doubles a value fifty times.
    private static func doubled(_ step: String, _ start: String) -> String {
        String(repeating: "cel.bind(x, ", count: 1) + start + ", "
            + String(repeating: "cel.bind(x, \(step), ", count: 50) + "x" + String(repeating: ")", count: 51)
    }

    private static func pad(_ count: Int) -> String { String(repeating: ".replace('', '0123456789')", count: count) }

    @Test("a text beyond the limit of bytes or of parts is refused with a finding")
    func size() {
        let long = "'" + String(repeating: "a", count: 70_000) + "'"
        let wide = "[" + String(repeating: "1,", count: 12_000) + "1]"
        for text in [long, wide] {
            let compilation = Expression.compile(text, declarations: Declarations())
            #expect(compilation.findings.map(\.code) == ["expression.too-large"])
        }
    }

    @Test("an empty expression is a finding inside the text", arguments: ["", "  ", "// note"])
    func empty(text: String) {
        let compilation = Expression.compile(text, declarations: Declarations())
        #expect(compilation.findings.map(\.code) == ["expression.empty"])
        #expect(compilation.findings.allSatisfy { $0.range.upperBound <= text.utf8.count })
    }
}
