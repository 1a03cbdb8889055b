import CrashProbe
import Dispatch
import Foundation
import HTTPTransport
import StripeSimulator
import Testing
import Logging

/// A nursery of children and a Stripe simulator for them; two lanes keep two processors busy.
///
/// The simulator is this process's own, so it outlives every child that calls it.
final class ProbeLane: Sendable {
    private let simulator: String
    private let client = HTTPClient()
    private let nursery: Nursery

    private init(simulator: String) throws {
        self.simulator = simulator
        nursery = try Nursery()
    }

    static func with<R: Sendable>(_ body: (ProbeLane) async throws -> R) async throws -> R {
        var configuration = SimulatorConfiguration()
        configuration.port = 0
        let simulator = StripeSimulator(
            configuration: configuration,
            logger: Logger(label: "simulator") { _ in SwiftLogNoOpLogHandler() }
        )
        let serving = Task { try await simulator.run() }
        let lane = try ProbeLane(simulator: "http://127.0.0.1:\(await simulator.boundPort())")
        defer {
            lane.nursery.close()
            serving.cancel()
        }
        return try await body(lane)
    }

    /// Runs one child in `folder`, and waits for its end.
    func run(_ kind: BlockKind, in folder: String, failpoint: String? = nil, hour: Int = 10) async throws
        -> ProbeOutcome
    {
        try await nursery.carryOut(order(kind, in: folder, failpoint: failpoint, hour: hour))
    }

    func order(_ kind: BlockKind, in folder: String, failpoint: String? = nil, hour: Int = 10) -> ProbeOrder {
        ProbeOrder(
            folder: folder,
            kind: kind.name,
            failpoint: failpoint,
            stripe: simulator,
            start: "2026-11-20T\(hour):00:00Z"
        )
    }

    /// What the child that came to its end wrote down.
    func endState(_ folder: String) throws -> String {
        try String(contentsOfFile: folder + "/end.txt", encoding: .utf8)
    }

    /// How many runs the last child found at its start: how far the one before it came.
    func runsFound(_ order: ProbeOrder) throws -> Int? {
        Int(try String(contentsOfFile: order.foundFile, encoding: .utf8))
    }

    /// How many groups of the child that came to its end were undone.
    func groupsUndone(_ folder: String, _ kind: BlockKind) throws -> Int? {
        Int(try String(contentsOfFile: order(kind, in: folder).failuresFile, encoding: .utf8))
    }

    // MARK: The other side

    /// Empties the simulator; it will lose the answers to the first two writing requests.
    func reset() async throws {
        _ = try await call("POST", "/_simulator/reset")
        _ = try await call("POST", "/_simulator/faults", #"{"action":"tear_after","method":"POST","times":2}"#)
    }

    /// Everything that happened outside, a line each, without ids.
    func effects() async throws -> [String] {
        let body = try await call("GET", "/v1/payment_intents?limit=100")
        let list = try #require(try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any])
        let intents = try #require(list["data"] as? [[String: Any]])
        return try intents.map { intent in
            let seen = intent.filter { ["amount", "currency", "status", "metadata"].contains($0.key) }
            return String(
                decoding: try JSONSerialization.data(withJSONObject: seen, options: .sortedKeys),
                as: UTF8.self
            )
        }.sorted()
    }

    private func call(_ method: String, _ path: String, _ body: String = "") async throws -> [UInt8] {
        let response = try await client.send(
            HTTPRequest(
                method: method,
                url: simulator + path,
                headers: ["Authorization": "Bearer sk_test_probe", "Content-Type": "application/json"],
                body: Array(body.utf8),
                addressPolicy: .loopbackOnly
            )
        )
        try #require(response.status == 200, "\(path): \(String(decoding: response.body, as: UTF8.self))")
        return response.body
    }
}

/// The process that forks the children.
private final class Nursery: Sendable {
    private let process: Process
    private let orders = Pipe()
    private let outcomes = Pipe()
    private let queue = DispatchQueue(label: "runnel.nursery")

    init() throws {
        process = Process()
        process.executableURL = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
            .deletingLastPathComponent().appending(path: "CrashProbe")
        process.standardInput = orders
        process.standardOutput = outcomes
        try process.run()
    }

    /// Waits on a thread of its own: the pool's threads are the simulator's.
    func carryOut(_ order: ProbeOrder) async throws -> ProbeOutcome {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { [self] in
                continuation.resume(
                    with: Result {
                        try orders.fileHandleForWriting.write(contentsOf: Data((order.line + "\n").utf8))
                        var line: [UInt8] = []
                        while let byte = try outcomes.fileHandleForReading.read(upToCount: 1)?.first, byte != 0x0A {
                            line.append(byte)
                        }
                        return ProbeOutcome(rawValue: String(decoding: line, as: UTF8.self)) ?? .broken
                    }
                )
            }
        }
    }

    /// The nursery ends when there is nothing more to read.
    func close() { try? orders.fileHandleForWriting.close() }
}
