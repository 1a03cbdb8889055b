import Expressions
import Testing

@testable import FlowEngine

@Suite("The machine's clock")
struct SystemClockTests {
    /// A wall clock that somebody sets while a sleeper sleeps; the slices that it slept.
    private static func sleep(_ span: Duration, setting: Duration, afterSlice: Int) async throws -> [Duration] {
        var wall = try #require(Timestamp(microseconds: 1_775_000_000_000_000))
        let end: Timestamp? = wall + span
        let deadline = try #require(end)
        var slices: [Duration] = []
        try await SystemClock.sleep(until: deadline, now: { wall }) { slice in
            slices.append(slice)
            let later: Timestamp? = wall + (slice + (slices.count == afterSlice ? setting : .zero))
            wall = try #require(later)
        }
        return slices
    }

    @Test("a sleep that nobody disturbs ends at its deadline")
    func undisturbed() async throws {
        let slices = try await Self.sleep(.milliseconds(2_500), setting: .zero, afterSlice: 0)
        #expect(slices == [.seconds(1), .seconds(1), .milliseconds(500)])
        #expect(try await Self.sleep(.zero, setting: .zero, afterSlice: 0).isEmpty)
        #expect(try await Self.sleep(.seconds(-1), setting: .zero, afterSlice: 0).isEmpty)
    }

    @Test("a clock that is put forward past the deadline ends the sleep within a slice")
    func forward() async throws {
        #expect(try await Self.sleep(.seconds(1_200), setting: .seconds(1_800), afterSlice: 2).count == 2)
    }

    @Test("a clock that is put back lets nobody sleep longer than was left")
    func back() async throws {
        let slices = try await Self.sleep(.seconds(3), setting: .seconds(-10_800), afterSlice: 1)
        #expect(slices == [.seconds(1), .seconds(1), .seconds(1)])
    }
}
