import FlowLanguage
import Testing

@Suite("Versions of flows that run others")
struct SubflowVersionTests {
    /// Of an app of these flows, given by their blocks.
    private func versions(_ flows: [String: String], code: [String: String] = [:]) throws -> [String: FlowVersion] {
        var files = [TestApp.file("app.yaml", TestApp.app)]
        for (name, blocks) in flows.sorted(by: { $0.key < $1.key }) {
            let text = "flow: \(name)\nkind: cloud\ntrigger: { manual: true }\nblocks:\n\(blocks)\n"
            files.append(TestApp.file("flows/\(name).yaml", text))
        }
        for (name, text) in code { files.append(TestApp.file("code/\(name)", text)) }
        let compilation = AppCompiler(catalogue: TestApp.catalogue).compile(files)
        let errors = compilation.diagnostics.filter { $0.severity == .error }
        let app = try #require(compilation.app, "\(errors.map(\.message))")
        return app.flows.mapValues(\.version)
    }

    private func run(_ flow: String) -> String { "- { id: \(flow), block: run-flow, flow: \(flow), mode: start }" }
    private func log(_ text: String) -> String { "- { block: log, message: \(text) }" }

    @Test("a flow's version holds those of all flows that it can come to run, in a circle as well")
    func chain() throws {
        func versions(_ last: String, c next: String = "d") throws -> [String: FlowVersion] {
            try self.versions(["a": run("b"), "b": run("c"), "c": run(next), "d": log(last)])
        }
        let (first, second) = (try versions("one"), try versions("two"))
        #expect(first == (try versions("one")))
        for name in ["a", "b", "c", "d"] { #expect(first[name] != second[name], "\(name)") }
        for name in ["a", "b", "c"] { #expect(first[name]?.own == second[name]?.own, "\(name)") }
        let (circle, other) = (try versions("one", c: "a"), try versions("two", c: "a"))
        for name in ["a", "b", "c"] { #expect(circle[name] == other[name], "\(name)") }
        let flows = ["a", "b", "c", "d"].compactMap { circle[$0] }
        #expect(Set(flows).count == 4)
        let changed = try self.versions([
            "a": run("b"), "b": run("c"), "c": run("a") + "\n" + log("x"), "d": log("one"),
        ])
        for name in ["a", "b", "c"] { #expect(circle[name] != changed[name], "\(name)") }
        #expect(circle["d"] == changed["d"])
    }

    @Test("a flow that runs no other, or itself alone, has the version that it always had")
    func alone() throws {
        let versions = try versions(["a": log("x"), "b": run("b"), "c": run("a")])
        #expect(versions["a"].map { $0.own == $0 } == true)
        #expect(versions["b"].map { $0.own == $0 } == true)
        let version = try #require(versions["c"])
        #expect(version.own != version)
        #expect(version.own.rawValue.count == 64)
        #expect(version.isMeant(by: version) && version.isMeant(by: version.own))
        #expect(versions["a"].map(version.isMeant) == false)
        // What an earlier program recorded means today's; what this one recorded never means less.
        #expect(!version.own.isMeant(by: version))
        #expect(version.short.count == 25)
    }

    @Test("what changes nothing of a sub-flow's meaning changes no version")
    func meaning() throws {
        let before = try versions(["a": run("b"), "b": "- { id: x, block: log, message: hello, level: warning }"])
        let after = try versions([
            "a": run("b"), "b": "# Said loudly.\n- { level: warning, message: 'hello', block: log, id: x }",
        ])
        #expect(before == after)
    }

    @Test(
        "code pins the flows that it names, and all where it works names out",
        arguments: [
            ("await runFlow('d')", false),
            ("return await runFlow( \"d\", { n: 1 }, { mode: 'start' })", false),
            ("// runFlow(name) is not for here\nawait runFlow(`d`)", false),
            ("await runFlow(args.name)", true),
            ("await runFlow('d' + args.n)", true),
            ("await runFlow(`${args.name}`)", true),
            ("const start = runFlow; await start('d')", true),
            ("await globalThis['run' + 'Flow'](args.name)", true),
            ("await this['runFlow'](args.name)", true),
            ("await runFl\\u006fw(args.name)", true),
            ("return 'nothing'", nil),
        ] as [(String, Bool?)]
    )
    func code(_ text: String, pinsAll: Bool?) throws {
        func versions(d: String, e: String) throws -> FlowVersion? {
            let block = "- { id: x, block: custom-code, file: run.js }"
            return try self.versions(["a": block, "d": log(d), "e": log(e)], code: ["run.js": text])["a"]
        }
        let version = try versions(d: "one", e: "one")
        #expect((version != (try versions(d: "two", e: "one"))) == (pinsAll != nil))
        #expect((version != (try versions(d: "one", e: "two"))) == (pinsAll == true))
    }

    @Test("so does the code of a library, and code behind a sub-flow")
    func libraries() throws {
        func versions(d: String) throws -> [String: FlowVersion] {
            let block = "- { id: x, block: custom-code, code: 'return 1', use: [steps.js] }"
            let code = ["lib/steps.js": "function step() { return runFlow('d'); }"]
            return try self.versions(["a": block, "b": run("a"), "d": log(d)], code: code)
        }
        let (before, after) = (try versions(d: "one"), try versions(d: "two"))
        for name in ["a", "b", "d"] { #expect(before[name] != after[name], "\(name)") }
    }
}
