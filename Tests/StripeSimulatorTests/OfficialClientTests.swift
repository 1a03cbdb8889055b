import Foundation
import Testing

@testable import StripeSimulator

/// The Python that has the official client, if there is one: `RUNNEL_PYTHON`, else `python3`.
enum OfficialClient {
    static let python: String? = [ProcessInfo.processInfo.environment["RUNNEL_PYTHON"], "/usr/bin/python3"]
        .compactMap { $0 }
        .first { (try? run($0, ["-c", "import stripe; assert stripe.VERSION.startswith('16.')"]))?.status == 0 }

    static func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    /// Runs a program on a queue of its own: the simulator needs the shared threads meanwhile.
    static func runBeside(_ program: String, _ arguments: [String]) async throws -> (status: Int32, output: String) {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue(label: "official-client").async {
                continuation.resume(with: Result { try run(program, arguments) })
            }
        }
    }

    static func script(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("OfficialClient/\(name).py")
            .path
    }
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
