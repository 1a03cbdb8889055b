import FlowLanguage
import Testing

@Suite("Declarations that expressions heed")
struct DeclarationTests {
    @Test("decimals of rows are canonical, so they can be compared for equality, though not in order")
    func storedDecimals() {
        var lines = TestApp.app.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let place = lines.firstIndex(of: "invariants:") ?? 0
        lines.insert("  fees:\n    columns:\n      low: { type: decimal }\n      high: { type: decimal }", at: place)
        let flow = """
            flow: test
            kind: page
            input: { id: { type: int } }
            blocks:
              - id: fee
                block: find-record
                table: fees
                where: { id: '${ input.id }', low: { lt: '12.50' } }
              - block: log
                when: blocks.fee.low == blocks.fee.high || blocks.fee.low == '12.5' || blocks.fee.low in ['0', '1.5']
                message: fine
              - block: log
                when: blocks.fee.low == '12.50'
                message: never
              - block: log
                when: blocks.fee.low < blocks.fee.high
                message: wrong
            """
        let found = TestApp.compile(flow: flow, app: lines.joined(separator: "\n")).diagnostics
        #expect(found.map(\.code) == ["expression.decimal", "expression.decimal"])
        #expect(found.map(\.severity) == [.warning, .error])
        #expect(found.map(\.range.start.line) == [13, 16])
    }
}
