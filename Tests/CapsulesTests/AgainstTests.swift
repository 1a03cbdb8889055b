import Capsules
import Expressions
import FlowEngine
import FlowLanguage
import Testing

@Suite struct AgainstTests {
    private struct Edit {
        var flow: String
        var old: String
        var new: String
        /// The first block whose behaviour it changes; nil: none.
        var path: String?
    }

    /// One line of a flow, changed in ten ways: `N` is a number from the seed.
    private static let edits: [Edit] = [
        Edit(
            flow: "records",
            old: "total: '${ input.total }' }",
            new: "total: '${ input.total + N }' }",
            path: "order"
        ),
        Edit(flow: "records", old: "blocks.order.total * 2", new: "blocks.order.total * 2 + N", path: "1"),
        Edit(flow: "records", old: "record.total + 5", new: "record.total + 5 + N", path: "raised"),
        Edit(flow: "records", old: "note: 'twice'", new: "note: 'twice N'", path: "again"),
        Edit(flow: "records", old: "vars.doubled > 1000", new: "vars.doubled > 100N", path: nil),
        Edit(flow: "records", old: "'small ${", new: "'small N ${", path: "size/1/0"),
        Edit(flow: "records", old: "total: { gte: 1 }", new: "total: { gte: 1N }", path: "all"),
        Edit(flow: "records", old: "blocks.after.total + 1", new: "blocks.after.total + 1 + N", path: "output/sum"),
        Edit(flow: "guarded", old: "'undone: ${", new: "'undone N: ${", path: "both/fail/0"),
        Edit(flow: "guarded", old: "'closed for ${", new: "'closed N for ${", path: "trying/do/0"),
        Edit(flow: "guarded", old: "startsWith: 'old-'", new: "startsWith: 'old-N'", path: "gone"),
        Edit(flow: "outside", old: "path: /stock", new: "path: /stock/N", path: "stock"),
        Edit(
            flow: "outside",
            old: "blocks.stock.body.left + 1 }",
            new: "blocks.stock.body.left + 1 + N }",
            path: "noted"
        ),
    ]

    private static func capsules() async throws -> [String: Capsule] {
        let calls: [CapsuleWorld.Call] = [
            .init(flow: "records", input: ["name": "n", "total": 200]),
            .init(flow: "guarded", input: ["name": "g"]),
            .init(flow: "outside", input: ["sku": "s"]),
        ]
        let capsules = try await CapsuleWorld.capsules(calls)
        return Dictionary(uniqueKeysWithValues: capsules.map { ($0.run.record.start.flow, $0) })
    }

    @Test("a hundred edits are found at the first block whose behaviour they change")
    func edits() async throws {
        let capsules = try await Self.capsules()
        let replay = CapsuleReplay()
        var numbers = SeededNumbers(7)
        let candidates = Self.edits.filter { $0.path != nil }
        for number in 0..<100 {
            let edit = candidates[number % candidates.count]
            let drawn = String(Int.random(in: 1...9, using: &numbers))
            let text = try #require(CapsuleWorld.flows[edit.flow])
            let changed = text.replacing(edit.old, with: edit.new.replacing("N", with: drawn))
            try #require(changed != text, "\(edit.old)")
            let app = try CapsuleWorld.compile(CapsuleWorld.files(changing: edit.flow, to: changed))
            let comparison = try replay.compare(try #require(capsules[edit.flow]), with: app)
            #expect(comparison.divergence?.path?.rawValue == edit.path, "\(edit.old) → \(edit.new)")
        }
    }

    @Test("edits that change nothing for the run are the same: comments, titles, order of keys, other branches")
    func sameness() async throws {
        let capsules = try await Self.capsules()
        let replay = CapsuleReplay()
        let edits: [(String, String, String)] = [
            ("records", "blocks:\n", "# a comment\n\nblocks:\n"),
            ("records", "kind: page\n", "kind: page\ntitle: Records\n"),
            ("records", "'large ${", "'very large ${"),
            ("records", "    table: orders\n    on: name\n", "    on: name\n    table: orders\n"),
            ("records", "      - when: vars.doubled > 1000", "      - when: vars.doubled > 9000"),
            (
                "records", "    branches:\n",
                "    branches:\n      - { when: vars.doubled < 0, do: [{ block: log, message: no }] }\n"
            ),
            ("guarded", "catch:\n", "catch:\n      - { when: error.code == 'x', do: [{ block: log, message: no }] }\n"),
            ("guarded", "blocks:\n", "# moved down\n# by lines\nblocks:\n"),
            ("outside", "    method: POST\n    path: /stock\n", "    path: /stock\n    method: POST\n"),
            ("outside", "  - id: stock\n", "  - id: stock\n    title: Ask the stock\n"),
        ]
        for _ in 1...3 {
            for (flow, old, new) in edits {
                let text = try #require(CapsuleWorld.flows[flow])
                let changed = text.replacing(old, with: new)
                try #require(changed != text, "\(old)")
                let app = try CapsuleWorld.compile(CapsuleWorld.files(changing: flow, to: changed))
                let comparison = try replay.compare(try #require(capsules[flow]), with: app)
                #expect(comparison.divergence == nil, "\(new): \(comparison.divergence?.summary ?? "")")
            }
        }
    }

    @Test("effects are told: the request that changed, and the row that is left otherwise")
    func effects() async throws {
        let capsule = try #require(try await Self.capsules()["outside"])
        let text = CapsuleWorld.outside.replacing("body: { sku:", with: "body: { n: 1, sku:")
        let app = try CapsuleWorld.compile(CapsuleWorld.files(changing: "outside", to: text))
        let comparison = try CapsuleReplay().compare(capsule, with: app)
        #expect(comparison.requests.map(\.kind) == [.changed])
        #expect(comparison.rows.isEmpty)
        let gone = CapsuleWorld.outside.replacing("blocks.stock.body.left + 1 }", with: "9 }")
        let other = try CapsuleWorld.compile(CapsuleWorld.files(changing: "outside", to: gone))
        #expect(try CapsuleReplay().compare(capsule, with: other).rows.map(\.table) == ["orders"])
    }

    @Test("an app without the flow, or with another input, cannot be compared")
    func refusals() async throws {
        let capsule = try #require(try await Self.capsules()["outside"])
        let text = CapsuleWorld.outside.replacing("  sku: { type: string }", with: "  sku: { type: int }")
            .replacing("name: '${ input.sku }'", with: "name: 'x'")
        let app = try CapsuleWorld.compile(CapsuleWorld.files(changing: "outside", to: text))
        #expect(throws: ReplayRefusal.self) { try CapsuleReplay().compare(capsule, with: app) }
    }

    @Test("one block's scope can be seen")
    func snapshot() async throws {
        let capsule = try #require(try await Self.capsules()["records"])
        let watch = PassWatch(target: BlockPath("raised"))
        let snapshot = try #require(try CapsuleReplay().replay(capsule, watch: watch).snapshot)
        let values = Dictionary(uniqueKeysWithValues: snapshot.values.map { ($0.name, $0.value) })
        #expect(values["vars"]?["doubled"] == 400)
        #expect(values["blocks"]?["order"]?["total"] == 200)
    }
}
