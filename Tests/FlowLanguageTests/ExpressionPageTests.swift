import FlowLanguage
import Foundation
import Testing

@Suite("Explanations of expressions' findings")
struct ExpressionPageTests {
    // Goal: a code that `Expressions` begins to use cannot lack a page.
    // Method: its sources are read and searched for codes.
    @Test("every code that Expressions names has a page")
    func pages() throws {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let folder = tests.deletingLastPathComponent().appendingPathComponent("Sources/Expressions")
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        var codes: Set<String> = []
        for case let file as URL in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: #/"(expression\.[a-z-]+)"/#) { codes.insert(String(match.1)) }
        }
        #expect(codes.count > 10)
        for code in codes.sorted() { #expect(FindingExplanations.explain(code) != nil, "\(code)") }
    }
}
