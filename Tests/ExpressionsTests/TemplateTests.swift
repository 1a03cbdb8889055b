import Expressions
import Testing

@Suite("Templates")
struct TemplateTests {
    @Test(
        "text is split at its expressions, whose braces are found by CEL's own tokens",
        arguments: [
            ("", []), ("plain", ["=plain"]), ("${a}", ["a"]), ("${ a } and ${b}!", [" a ", "= and ", "b", "=!"]),
            ("$${a} ${b}", ["=${a} ", "b"]), ("${ {'}': 1} }", [" {'}': 1} "]), ("${'}'}x", ["'}'", "=x"]),
            ("$ { a }", ["=$ { a }"]), ("${ a = b } c", [" a = b ", "= c"]), ("ü${x}ü", ["=ü", "x", "=ü"]),
            ("${ [1].map(x, {x: '${'}) }", [" [1].map(x, {x: '${'}) "]),
        ] as [(String, [String])]
    )
    func split(text: String, parts: [String]) {
        let (segments, findings) = Template.parse(text)
        let bytes = Array(text.utf8)
        let shown = segments.map { segment in
            switch segment {
            case .literal(let text): "=" + text
            case .expression(let range): String(decoding: bytes[range], as: UTF8.self)
            }
        }
        #expect(shown == parts)
        #expect(findings == [])
    }

    @Test("an expression that is not closed is a finding", arguments: ["${", "a ${ b", "${ {'a': 1} "])
    func unclosed(text: String) {
        let (_, findings) = Template.parse(text)
        #expect(findings.map(\.code) == ["expression.template"])
        #expect(findings.allSatisfy { $0.range.upperBound <= text.utf8.count })
    }
}
