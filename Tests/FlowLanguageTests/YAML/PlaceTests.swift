import Testing

@testable import FlowLanguage

@Suite("Places inside scalars")
struct PlaceTests {
    /// `inputs` is misspelt in each, at the mark.
    @Test(
        "a finding inside ${ } points at its character, however the text is written",
        arguments: [
            "message: nr ${ 1️⃣inputs.name }",
            "message: 'it''s ${ 1️⃣inputs.name }'",
            #"message: "tab\t quote\" nr é\u00e9 ${ 1️⃣inputs.name }""#,
            "message: »käse« ${ 1️⃣inputs.name }",
            "message: one\n    two ${ 1️⃣inputs.name }",
            "message: 'one\n\n    two ${ 1️⃣inputs.name }'",
            "message: \"one\\\n    two ${ 1️⃣inputs.name }\"",
            "message: |\n    one\n    two ${ 1️⃣inputs.name }\n    three",
            "message: |2-\n      one\n    two ${ 1️⃣inputs.name }",
            "message: >\n    one\n    two ${ 1️⃣inputs.name }\n\n    three",
            "message: >-\n    one\n\n      two ${ 1️⃣inputs.name }\n    three",
            "message: ${\n    input.name +\n    1️⃣inputs.name }",
        ]
    )
    func place(_ message: String) {
        let flow = """
            flow: test
            kind: page
            input: { name: { type: string } }
            blocks:
            - block: log
              \(message)

            """
        expectDiagnostics(flow: flow, [ExpectedFinding("1️⃣", "expression.unknown-name")])
    }

    @Test(
        "what YAML 1.1 alone takes for a line break or a key is refused at its place",
        arguments: [
            ("# a comment1️⃣\u{2028}access: [public]", "yaml.character"),
            ("# a comment1️⃣\u{2029}access: [public]", "yaml.character"),
            ("title: \"one1️⃣\u{85}two\"", "yaml.character"),
            ("output: { list: [a, 1️⃣?b] }", "yaml.syntax"),
            ("title: \"at 1️⃣\\d\"", "yaml.syntax"),
        ]
    )
    func foreign(_ line: String, code: String) {
        let flow = "flow: test\nkind: page\n\(line)\nblocks:\n- block: log\n  message: hi\n"
        expectDiagnostics(flow: flow, [ExpectedFinding("1️⃣", code)])
    }

    @Test("columns count Unicode scalars, offsets bytes, and a byte order mark counts for nothing")
    func units() {
        let text = SourceText(SourceFile(path: "a", bytes: [0xEF, 0xBB, 0xBF] + Array("é: 𝄞x\r\nb: c\rd".utf8)))
        #expect(text.position(at: 3) == SourcePosition(line: 1, column: 1, offset: 3))
        #expect(text.position(at: 11) == SourcePosition(line: 1, column: 5, offset: 11))
        #expect(text.position(at: 14).line == 2)
        #expect(text.position(at: 19).line == 3)
        #expect(text.position(at: 999).offset == text.bytes.count)
    }
}
