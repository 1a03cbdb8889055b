import CodeFrames
import FlowEngine
import Testing

@testable import CustomCode

@Suite("Each wall is proved before any code runs")
struct WallTests {
    @Test("with all walls the worker is ready, and misses none that this kernel has")
    func allStand() async throws {
        let report = try await CodeDesk().pool.probe()
        #expect(report.walls.count == Wall.allCases.count)
        let missing = report.walls.filter { !$0.stands }.map(\.summary)
        #expect(missing.isEmpty || missing == [Wall.landlock.summary])
    }

    @Test("a worker without a wall says which, and runs no code", arguments: Wall.allCases.filter { !$0.isOptional })
    func isNoticed(_ wall: Wall) async throws {
        let desk = try CodeDesk(options: ["without=\(wall.rawValue)"])
        let failure = try await desk.failure("return 1")
        #expect(failure.code == "code-unavailable")
        #expect(failure.message.contains("its wall '\(wall.rawValue)' is missing"), "\(failure.message)")
    }

    @Test("without Landlock, which not every kernel has, the other walls refuse files by themselves")
    func landlockIsOptional() async throws {
        let pool = try CodeDesk(options: ["without=landlock"]).pool
        let report = try await pool.probe()
        #expect(report.walls.filter { !$0.stands }.map(\.summary) == [Wall.landlock.summary])
        #expect(report.landlockABI == 0)
    }
}
