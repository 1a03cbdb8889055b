import Expressions
import Foundation
import Testing

@testable import FlowLanguage

@Suite("Limits: at the bound and one beyond")
struct LimitTests {
    private func codes(_ flow: String) -> [String] { TestApp.compile(flow: flow).diagnostics.map(\.code) }

    private func flow(fields: String) -> String {
        "flow: test\nkind: page\nblocks:\n- block: log\n  message: hi\n  fields: \(fields)\n"
    }

    @Test("file size") func fileBytes() {
        let start = "flow: test\nkind: page\nblocks: []\n#"
        let fill = String(repeating: "x", count: Limits.fileBytes - start.utf8.count)
        #expect(codes(start + fill) == [])
        #expect(codes(start + fill + "x") == ["file.too-large"])
    }

    @Test("a file of 20 MB is refused before it is parsed") func huge() {
        #expect(codes(String(repeating: "a: b\n", count: 4 << 20)) == ["file.too-large"])
    }

    @Test("depth") func depth() {
        // The file's mapping, the list of blocks, the block and `fields` itself are four levels.
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth)
        }
        #expect(codes(flow(fields: "{ a: \(nested(Limits.yamlDepth - 4)) }")) == [])
        #expect(codes(flow(fields: "{ a: \(nested(Limits.yamlDepth - 3)) }")) == ["yaml.depth"])
    }

    @Test("nodes") func nodes() {
        // Root, its keys and values, and around the list: sixteen in all.
        func list(_ count: Int) -> String { "[" + Array(repeating: "1", count: count).joined(separator: ",") + "]" }
        let around = 16
        #expect(codes(flow(fields: "{ a: \(list(Limits.yamlNodes - around)) }")) == [])
        #expect(codes(flow(fields: "{ a: \(list(Limits.yamlNodes - around + 1)) }")) == ["yaml.nodes"])
    }

    @Test("nodes that come from aliases") func aliases() {
        let ten = "[1,1,1,1,1,1,1,1,1]"  // Ten nodes with the list itself.
        func aliases(_ count: Int) -> String {
            "{ a: &a \(ten), b: [" + Array(repeating: "*a", count: count).joined(separator: ",") + "] }"
        }
        #expect(codes(flow(fields: aliases(Limits.yamlAliasNodes / 10))) == [])
        #expect(codes(flow(fields: aliases(Limits.yamlAliasNodes / 10 + 1))) == ["yaml.alias-budget"])
    }

    @Test("blocks of a flow") func blocks() {
        func blocks(_ count: Int) -> String {
            "flow: test\nkind: page\nblocks:\n" + String(repeating: "- { block: log, message: hi }\n", count: count)
        }
        #expect(codes(blocks(Limits.blocksPerFlow)) == [])
        #expect(codes(blocks(Limits.blocksPerFlow + 1)) == ["flow.limit.blocks"])
    }

    @Test("tables and columns of an app") func tables() {
        func app(tables: Int, columns: Int) -> [String] {
            let columns = (0..<columns).map { "c\($0): { type: int }" }.joined(separator: ", ")
            let tables = (0..<tables).map { "  t\($0): { columns: { \(columns) } }\n" }.joined()
            let file = TestApp.file("app.yaml", "app: shop\ntables:\n\(tables)")
            return AppCompiler(catalogue: TestApp.catalogue).compile([file]).diagnostics.map(\.code)
        }
        #expect(app(tables: Limits.tables, columns: 1) == [])
        #expect(app(tables: Limits.tables + 1, columns: 1) == ["app.limit.tables"])
        #expect(app(tables: 1, columns: Limits.columnsPerTable) == [])
        #expect(app(tables: 1, columns: Limits.columnsPerTable + 1) == ["app.limit.columns"])
    }

    @Test("indexes of a table and columns of an index") func indexes() {
        func app(_ indexes: [String]) -> [String] {
            let columns = (0...Limits.indexesPerTable).map { "c\($0): { type: int }" }.joined(separator: ", ")
            let table = "  t: { columns: { \(columns) }, indexes: [\(indexes.joined(separator: ", "))] }\n"
            let file = TestApp.file("app.yaml", "app: shop\ntables:\n\(table)")
            return AppCompiler(catalogue: TestApp.catalogue).compile([file]).diagnostics.map(\.code)
        }
        func names(_ count: Int) -> [String] { (0..<count).map { "c\($0)" } }
        func one(_ count: Int) -> [String] { ["[\(names(count).joined(separator: ", "))]"] }
        #expect(app(names(Limits.indexesPerTable)) == [])
        #expect(app(names(Limits.indexesPerTable + 1)) == ["app.limit.indexes"])
        #expect(app(one(Limits.columnsPerIndex)) == [])
        #expect(app(one(Limits.columnsPerIndex + 1)) == ["app.limit.indexes"])
    }

    @Test("entries of a list of names") func entries() {
        func app(_ roles: Int) -> [String] {
            let text = "app: shop\nroles: [" + (0..<roles).map { "r\($0)" }.joined(separator: ",") + "]\n"
            let file = TestApp.file("app.yaml", text)
            return AppCompiler(catalogue: TestApp.catalogue).compile([file]).diagnostics.map(\.code)
        }
        #expect(app(Limits.entries) == [])
        #expect(app(Limits.entries + 1) == ["limit.entries"])
    }

    @Test("flows of an app") func flows() {
        func app(_ count: Int) -> [String] {
            let files = (0..<count).map { TestApp.file("flows/f\($0).yaml", "flow: f\($0)\nkind: page\nblocks: []\n") }
            let app = TestApp.file("app.yaml", "app: shop\n")
            return AppCompiler(catalogue: TestApp.catalogue).compile([app] + files).diagnostics.map(\.code)
        }
        #expect(app(Limits.flowFiles) == [])
        #expect(app(Limits.flowFiles + 1) == ["app.limit.flows"])
    }

    @Test("rows of a find-records") func rows() {
        func find(_ limit: Int) -> String {
            "flow: test\nkind: page\nblocks:\n- { id: a, block: find-records, table: orders, limit: \(limit) }\n"
        }
        #expect(codes(find(Limits.rowsPerFind)) == [])
        #expect(codes(find(Limits.rowsPerFind + 1)) == ["value.range"])
    }

    @Test("findings are kept and printed up to a bound") func findings() {
        let blocks = (0..<Limits.findings + 10).map { "- { block: nope\($0), id: b\($0) }\n" }.joined()
        let compilation = TestApp.compile(flow: "flow: test\nkind: page\nblocks:\n" + blocks)
        #expect(compilation.diagnostics.count == Limits.findings)
        #expect(compilation.app == nil)
        let text = DiagnosticRenderer.render(compilation.diagnostics, sources: [])
        #expect(text.hasSuffix("… and \(Limits.findings - Limits.findingsPrinted) more\n"))
    }

    @Test("deep nesting and alias bombs need little stack")
    func smallStack() async {
        let deep = [
            flow(fields: String(repeating: "[", count: 1_000)), flow(fields: String(repeating: "{ a: ", count: 1_000)),
            flow(fields: String(repeating: "[", count: 100_000)), String(repeating: "- ", count: 1_000) + "a",
            (0..<1_000).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
        ]
        var bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1]\n"
        for level in 1..<20 {
            bomb +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",") + "]\n"
        }
        let files = deep.map { ($0, "yaml.depth") } + [(bomb, "yaml.alias-budget")]
        for (text, code) in files {
            let found = await onSmallStack { TestApp.compile(flow: text).diagnostics.map(\.code) }
            #expect(found == [code], "\(text.prefix(80))")
        }
    }

    /// What `body` gives on a thread with 256 KiB of stack.
    private func onSmallStack<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: body()) }
            thread.stackSize = 256 << 10
            thread.start()
        }
    }
}
