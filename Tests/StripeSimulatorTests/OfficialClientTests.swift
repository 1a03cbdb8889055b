import Foundation
import HTTPTransport
import TestSupport
import Testing

@testable import StripeSimulator

/// The Python that has the official client, if there is one: `RUNNEL_PYTHON`, else `python3`.
enum OfficialClient {
    static let python: String? =
        candidates
        .first { (try? run($0, ["-c", "import stripe; assert stripe.VERSION.startswith('16.')"]))?.status == 0 }

    private static var candidates: [String] {
        let environment = ProcessInfo.processInfo.environment
        let folders = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        return [environment["RUNNEL_PYTHON"]].compactMap { $0 }
            + folders.map { $0 + "/python3" }.filter { FileManager.default.isExecutableFile(atPath: $0) }
    }

    static func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let (status, output) = try SpawnedProgram.run(program, arguments, withErrors: true)
        return (status, String(decoding: output, as: UTF8.self))
    }

    /// Runs a program on a queue of its own: the simulator needs the shared threads meanwhile.
    static func runBeside(_ program: String, _ arguments: [String]) async throws -> (status: Int32, output: String) {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "official-client").async {
                continuation.resume(with: Result { try run(program, arguments) })
            }
        }
    }

    static func script(_ name: String, _ kind: String = "py") -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "OfficialClient/\(name).\(kind)"
        )
        .path
    }
}

@Suite("Stripe.js stand-in", .timeLimit(.minutes(1))) struct StripeScriptTests {
    private static let node = "/usr/bin/node"

    @Test("a page pays, is refused, is sent to authenticate, and sees no more than it may", .enabled(if: hasNode))
    func pays() async throws {
        try await withSimulator { base in
            let client = HTTPClient()
            var secrets: [String] = []
            for _ in 0..<3 {
                let form = "amount=900&currency=usd&metadata[a]=b&payment_method_types[]=card"
                let intent = try await client.stripe("POST", base + "/v1/payment_intents", form)
                secrets.append(intent.string("client_secret") ?? "")
            }
            let script = OfficialClient.script("stripejs", "mjs")
            let result = try await OfficialClient.runBeside(Self.node, [script, base, "pk_test_page"] + secrets)
            #expect(result.status == 0, "\(result.output)")
        }
    }

    private static let hasNode = FileManager.default.isExecutableFile(atPath: node)
}

@Suite("Official Python client", .enabled(if: OfficialClient.python != nil), .timeLimit(.minutes(3)))
struct OfficialClientTests {
    @Test("scenarios run without an exception that Stripe would not raise", arguments: ["payments", "billing"])
    func scenario(_ name: String) async throws {
        let python = try #require(OfficialClient.python)
        try await withSimulator { base in
            let result = try await OfficialClient.runBeside(python, [OfficialClient.script(name), base])
            #expect(result.status == 0, "\(result.output)")
            print("official client, \(name): \(result.output.split(separator: "\n").last ?? "")")
        }
    }
}
