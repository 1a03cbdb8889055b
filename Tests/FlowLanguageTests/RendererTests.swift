import FlowLanguage
import Foundation
import Testing

@Suite("Findings as text")
struct RendererTests {
    private func render(_ text: String, line: Int, column: Int, offset: Int, length: Int) -> String {
        let start = SourcePosition(line: line, column: column, offset: offset)
        let end = SourcePosition(line: line, column: column + length, offset: offset + length)
        let diagnostic = Diagnostic(
            code: "key.unknown",
            message: "no",
            range: SourceRange(file: "a.yaml", start: start, end: end),
            notes: ["did you mean 'b'?"]
        )
        return DiagnosticRenderer.render([diagnostic], sources: [SourceFile(path: "a.yaml", bytes: Array(text.utf8))])
    }

    @Test("file, line, column, code, the line, a caret and the notes")
    func plain() {
        let expected = """
            a.yaml:2:3: error[key.unknown]: no
             2 |   abc: 1
               |   ^~~
               = did you mean 'b'?

            """
        #expect(render("x: 1\n  abc: 1\n", line: 2, column: 3, offset: 7, length: 3) == expected)
    }

    @Test("tabs and wide characters keep the caret under its place")
    func wide() {
        let tab = render("\tkey\n", line: 1, column: 2, offset: 1, length: 3)
        #expect(tab.contains(" 1 |     key\n   |     ^~~\n"))
        let wide = render("漢字 x\n", line: 1, column: 4, offset: 7, length: 1)
        #expect(wide.contains(" 1 | 漢字 x\n   |      ^\n"))
        let accent = render("e\u{301} x\n", line: 1, column: 4, offset: 4, length: 1)
        #expect(accent.contains("   |   ^\n"))
    }

    @Test("a long line is cut around the place")
    func long() {
        let text = String(repeating: "a", count: 500) + "KEY" + String(repeating: "b", count: 500)
        let rendered = render(text, line: 1, column: 501, offset: 500, length: 3)
        #expect(rendered.contains("KEY"))
        #expect(rendered.split(separator: "\n").allSatisfy { $0.count < 140 })
        #expect(rendered.contains("…aaa"))
    }

    @Test("secrets and control characters never reach the terminal")
    func secrets() {
        let key = "sk_" + "live_abcdefghijklmnop"
        let rendered = render("k: \(key) \u{1B}[31m\n", line: 1, column: 1, offset: 0, length: 1)
        #expect(!rendered.contains("abcdefgh"))
        #expect(rendered.contains("sk_***"))
        #expect(!rendered.contains("\u{1B}"))
    }

    @Test("a place at the end of the file still has a caret")
    func end() { #expect(render("a", line: 1, column: 2, offset: 1, length: 0).contains(" 1 | a\n   |  ^\n")) }
}
