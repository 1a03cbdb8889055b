import Expressions
import Testing

@Suite("Expressions")
struct ExpressionTests {
    @Test("the usual condition is compiled once and evaluated from slots")
    func usualCondition() throws {
        let text = "blocks.handler.paymentStatus == 'SUCCEEDED' && !blocks.handler.callbackProcessed"
        let handler = RecordType(
            name: "handler",
            fields: ["paymentStatus": .init(.string), "callbackProcessed": .init(.bool)]
        )
        let blocks = RecordType(name: "blocks", fields: ["handler": .init(.record(handler))])
        let compilation = Expression.compile(
            text,
            declarations: Declarations([.init("blocks", .record(blocks))]),
            expecting: .bool
        )
        #expect(compilation.findings == [])
        let expression = try #require(compilation.expression)
        let value: Value = ["handler": ["paymentStatus": "SUCCEEDED", "callbackProcessed": false]]
        #expect(try expression.evaluate(in: Bindings([value])) == true)
        #expect(
            expression.references.map(\.path) == [
                ["blocks", "handler", "paymentStatus"], ["blocks", "handler", "callbackProcessed"],
            ]
        )
    }
}
