import CrashProbe
import FlowEngine
import Foundation
import Synchronization
import Testing

// Goal: wherever the process dies, in whatever kind of block, the end is the same as if nobody had disturbed it.
// Method: for each kind of block a flow in which it stands between two marks, called five times through a page and
// started once by hand, with the answers to the first two writing requests lost. A child process runs it and kills
// itself (SIGKILL) at the n-th passage through a failpoint, for n = 1, 2, 3 … until it has passed fewer; another child
// goes on with what is on disk and dies at its first passage; a third one comes to the end. Then runs, journals, keys, tables and the state of the Stripe simulator must equal those
// of the undisturbed child. A cell without a kill needs a reason (`BlockKind.reason`).
// The same for a group that fails at the point instead of a death.
@Suite("Crash matrix: every failpoint in every kind of block")
struct CrashMatrixTests {
    /// Passages that are tried in a cell at most; the first ones meet every kind of place.
    private static let passages = ProofSize.of(3, large: 200)
    /// Passages at which the one who goes on dies, each beside each of the first one's.
    private static let furtherPassages = ProofSize.of(1, large: 4)

    @Test(
        "kill -9 at each passage changes no end state and no effect outside",
        .timeLimit(.minutes(ProofSize.of(60, large: 1_200)))
    )
    func matrix() async throws {
        let table = MatrixTable()
        try await Self.eachKind(of: table) { kind, lane in
            try await Self.fill(kind, table, lane)
            // A soak takes hours and is watched.
            if ProofSize.isLarge { print("\(kind.name): \(table.total) kills so far") }
        }
        print(table.text)
        #expect(table.total >= ProofSize.of(2_000, large: 20_000))
        for kind in BlockKind.all {
            for point in Failpoint.allCases {
                let isEmpty = table.kills(kind, point) == 0
                let reason = kind.reason(against: point)
                #expect(isEmpty == (reason != nil), "\(kind.name) at \(point.rawValue): \(reason ?? "must be passed")")
            }
        }
    }

    @Test(
        "a group that fails at a point is done again, and changes no end state and no effect outside",
        .timeLimit(.minutes(ProofSize.of(10, large: 600)))
    )
    func errors() async throws {
        try await Self.eachKind(of: MatrixTable()) { kind, lane in
            let undisturbed = try await ProbeCase.run(lane) { folder in
                let outcome = try await lane.run(kind, in: folder)
                #expect(outcome == .survived, "\(kind.name) undisturbed")
            }
            for point in Failpoint.allCases where point.canFail && kind.reason(against: point) == nil {
                for passage in 1...ProofSize.of(1, large: 20) {
                    let place = "\(kind.name) at \(point.rawValue):\(passage)"
                    var undone = 0
                    let disturbed = try await ProbeCase.run(lane) { folder in
                        let failpoint = "\(point.rawValue):\(passage):error"
                        let outcome = try await lane.run(kind, in: folder, failpoint: failpoint)
                        #expect(outcome == .survived, "\(place)")
                        undone = try lane.groupsUndone(folder, kind) ?? 0
                    }
                    #expect(disturbed == undisturbed, "\(place)")
                    // Every kind passes its points once; whether more often, the kills tell.
                    #expect(undone > 0 || passage > 1, "\(place) failed no group")
                    guard undone > 0 else { break }
                }
            }
        }
    }

    @Test("who is held for a second at a point goes on as if nothing had been")
    func held() async throws {
        let kind = try #require(BlockKind.all.first { $0.reason(against: .sendBefore) == nil })
        try await ProbeLane.with { lane in
            let undisturbed = try await ProbeCase.run(lane) { folder in _ = try await lane.run(kind, in: folder) }
            for point in [Failpoint.sendBefore, .entryBeforeCommit] {
                let clock = ContinuousClock()
                let start = clock.now
                let held = try await ProbeCase.run(lane) { folder in
                    let outcome = try await lane.run(kind, in: folder, failpoint: "\(point.rawValue):1:sleep")
                    #expect(outcome == .survived, "\(point.rawValue)")
                }
                #expect(clock.now - start >= .seconds(1), "\(point.rawValue)")
                #expect(held == undisturbed, "\(point.rawValue)")
            }
        }
    }

    /// Takes kind by kind, on a lane for each processor.
    private static func eachKind(
        of table: MatrixTable,
        _ body: @escaping @Sendable (BlockKind, ProbeLane) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<ProcessInfo.processInfo.activeProcessorCount {
                group.addTask {
                    try await ProbeLane.with { lane in
                        while let kind = table.takeKind() { try await body(kind, lane) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// All failpoints of one kind of block.
    private static func fill(_ kind: BlockKind, _ table: MatrixTable, _ lane: ProbeLane) async throws {
        let undisturbed = try await ProbeCase.run(lane) { folder in
            let outcome = try await lane.run(kind, in: folder)
            #expect(outcome == .survived, "\(kind.name) undisturbed")
        }
        for point in Failpoint.allCases {
            for further in 1...furtherPassages {
                for passage in 1...passages {
                    let place = "\(kind.name) at \(point.rawValue):\(passage), then \(further)"
                    var outcome = ProbeOutcome.broken
                    let disturbed = try await ProbeCase.run(lane) { folder in
                        outcome = try await lane.run(kind, in: folder, failpoint: "\(point.rawValue):\(passage):kill")
                        guard outcome == .killed else { return }
                        // Whoever goes on may die as well, at such a point that it passes.
                        let again = "\(point.rawValue):\(further):kill"
                        var last = try await lane.run(kind, in: folder, failpoint: again, hour: 11)
                        if last == .killed {
                            table.add(kind, point)
                            last = try await lane.run(kind, in: folder, hour: 12)
                        }
                        #expect(last == .survived, "\(place)")
                    }
                    #expect(outcome != .broken, "\(place)")
                    #expect(disturbed == undisturbed, "\(place)")
                    guard outcome == .killed else { break }
                    table.add(kind, point)
                }
            }
        }
    }
}

extension Failpoint {
    /// Whether `error` makes the group fail that it stands in; behind a commit there is none.
    fileprivate var canFail: Bool { rawValue.hasSuffix("-before-commit") }
}

/// Kills by failpoint and kind of block.
private final class MatrixTable: Sendable {
    private struct Cell: Hashable {
        var kind: String
        var point: Failpoint
    }

    private let cells = Mutex<[Cell: Int]>([:])
    private let waiting = Mutex(BlockKind.all.reversed() as [BlockKind])

    /// A kind that no lane has taken yet.
    func takeKind() -> BlockKind? { waiting.withLock { $0.popLast() } }

    func add(_ kind: BlockKind, _ point: Failpoint) {
        cells.withLock { $0[Cell(kind: kind.name, point: point), default: 0] += 1 }
    }

    func kills(_ kind: BlockKind, _ point: Failpoint) -> Int {
        cells.withLock { $0[Cell(kind: kind.name, point: point)] ?? 0 }
    }

    /// All kills, of those that went on as well.
    var total: Int { cells.withLock { $0.values.reduce(0, +) } }

    /// A line for each kind, a column for each failpoint; an empty cell shows the number of its reason.
    var text: String {
        let points = Failpoint.allCases
        var reasons: [String] = []
        var lines = points.enumerated().map { "  \(Self.letter($0)) \($1.rawValue)" }
        lines.append("kind".padded(to: 30) + points.indices.map { Self.letter($0).padded(to: 5) }.joined())
        for kind in BlockKind.all {
            var line = kind.name.padded(to: 30)
            for point in points {
                let count = kills(kind, point)
                if count == 0, let reason = kind.reason(against: point) {
                    if !reasons.contains(reason) { reasons.append(reason) }
                    line += "(\((reasons.firstIndex(of: reason) ?? 0) + 1))".padded(to: 5)
                } else {
                    line += String(count).padded(to: 5)
                }
            }
            lines.append(line)
        }
        lines += reasons.enumerated().map { "  (\($0 + 1)) \($1)" }
        lines.append("\(total) kills")
        return lines.joined(separator: "\n")
    }

    private static func letter(_ position: Int) -> String { String(UnicodeScalar(UInt8(ascii: "A") + UInt8(position))) }
}

extension String {
    fileprivate func padded(to width: Int) -> String { padding(toLength: width, withPad: " ", startingAt: 0) }
}
