import Capsules
import Expressions
import FlowEngine
import FlowLanguage
import Testing

@Suite("Capsules of runs with branches")
struct BranchCapsuleTests {
    @Test("hold the runs of all branches, and replay as they ran, to the byte")
    func replay() async throws {
        for capsule in try await CapsuleWorld.capsules(CapsuleWorld.branchCalls) {
            #expect(capsule.header.limitation == nil)
            let branches = capsule.history.runs.filter { $0.record.start.origin == .branch }
            #expect(branches.count == capsule.history.runs.count - 1)
            #expect(branches.count >= 4)
            let bytes = CapsuleText.encode(capsule)
            let again = try CapsuleText.decode(bytes)
            #expect(CapsuleText.encode(again) == bytes)
            #expect(try CapsuleReplay().replay(again).divergence == nil)
        }
    }

    @Test("a record in which a branch did something else is found at the branch's block")
    func changed() async throws {
        var capsule = try #require(try await CapsuleWorld.capsules([CapsuleWorld.branchCalls[0]]).first)
        let place = try #require(
            capsule.history.runs.firstIndex { run in
                run.entries.contains { $0.address.path == BlockPath("both/note/order") }
            }
        )
        capsule.history.runs[place].entries[0].input = ["table": "orders", "set": ["name": "other", "total": 10]]
        let divergence = try #require(try CapsuleReplay().replay(capsule).divergence)
        #expect(divergence.path == BlockPath("both/note/order"))
    }

    @Test("told what today's flow would do: a block changed inside a branch is the first difference")
    func against() async throws {
        let capsule = try #require(try await CapsuleWorld.capsules([CapsuleWorld.branchCalls[0]]).first)
        let same = try CapsuleReplay().compare(capsule, with: CapsuleWorld.compile())
        #expect(same.divergence == nil)
        let text = CapsuleWorld.beside.replacing(
            "blocks.stock.body.left + vars.base",
            with: "blocks.stock.body.left + 1"
        )
        let app = try CapsuleWorld.compile(CapsuleWorld.files(changing: "beside", to: text))
        let difference = try CapsuleReplay().compare(capsule, with: app)
        #expect(difference.divergence?.path == BlockPath("both/ask/each/do/noted"))
        #expect(difference.rows.count == 3)
    }
}
