import Expressions
import Glibc

/// Prints evaluations per second of the expressions that flows have, on one core.
@main
struct ExpressionsBenchmark {
    struct Subject {
        let name: String
        let expression: Expression
        let scope: Bindings
        /// Evaluations a second to be reached.
        let target: Double
    }

    static func main() throws {
        for subject in try subjects() {
            let rate = try measure(subject)
            let verdict = rate >= subject.target ? "ok" : "BELOW \(Int(subject.target))"
            print("\(subject.name): \(Int(rate)) evaluations/s (\(verdict))")
        }
    }

    /// Best of five rounds of at least 0.1 s, in time of the processor, so that other load counts least.
    static func measure(_ subject: Subject) throws -> Double {
        var best = 0.0
        var count = 100
        for _ in 0..<5 {
            var seconds = 0.0
            while true {
                let start = processorSeconds()
                for _ in 0..<count { _ = try subject.expression.evaluate(in: subject.scope) }
                seconds = processorSeconds() - start
                if seconds >= 0.1 { break }
                count *= 2
            }
            best = max(best, Double(count) / seconds)
        }
        return best
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    static func compile(_ text: String, _ variables: [Declarations.Variable]) -> Expression {
        let compilation = Expression.compile(text, declarations: Declarations(variables))
        guard let expression = compilation.expression else { fatalError("\(compilation.findings)") }
        return expression
    }

    static func subjects() throws -> [Subject] {
        let handler = RecordType(
            name: "handler",
            fields: ["paymentStatus": .init(.string), "callbackProcessed": .init(.bool)],
            isOpen: true
        )
        let blocks = RecordType(name: "blocks", fields: ["handler": .init(.record(handler))])
        let condition = compile(
            "blocks.handler.paymentStatus == 'SUCCEEDED' && !blocks.handler.callbackProcessed",
            [.init("blocks", .record(blocks))]
        )
        let callback = try JSON.parse(
            """
            {"handler": {"orderId": 7, "paymentId": 12, "paymentStatus": "SUCCEEDED", "callbackProcessed": false,
            "callbackState": "new", "orderAlreadyPaid": false, "amountMatches": true}}
            """
        )
        let arithmetic = compile(
            "(a + b * 3 - c) * (a - 2) + (b + c) * (c - a) + a * b - c * 2 + 7 - b",
            [.init("a", .int), .init("b", .int), .init("c", .int)]
        )
        let records = compile(
            "records.filter(r, r.total > 500 && r.status == 'PAID').map(r, r.total * 2)",
            [.init("records", .list(.dynamic))]
        )
        let rows = (0..<100).map { number -> Value in
            var row = ValueMap()
            row["id"] = .int(Int64(number))
            row["total"] = .int(Int64(number * 13 % 1000))
            row["status"] = .string(number % 2 == 0 ? "PAID" : "NEW")
            return .map(row)
        }
        return [
            Subject(name: "condition", expression: condition, scope: Bindings([callback]), target: 3_000_000),
            Subject(name: "arithmetic", expression: arithmetic, scope: Bindings([11, 5, 3]), target: 1_000_000),
            Subject(name: "records", expression: records, scope: Bindings([.list(rows)]), target: 10_000),
        ]
    }
}
