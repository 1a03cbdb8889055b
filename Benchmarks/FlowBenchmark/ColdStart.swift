import Foundation
import HTTPTransport

/// From starting `runnel serve` on an app that it has never seen to the answer of its first finished flow.
struct ColdStart {
    let folder: String

    /// - Returns: Whether the command stands beside this program.
    func measure(_ report: inout Report) async throws -> Bool {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let runnel = URL(filePath: own).deletingLastPathComponent().appending(path: "runnel").path
        guard FileManager.default.isExecutableFile(atPath: runnel) else { return false }
        try FileManager.default.createDirectory(atPath: folder + "/flows", withIntermediateDirectories: true)
        try Self.app.write(toFile: folder + "/app.yaml", atomically: true, encoding: .utf8)
        try Self.flow.write(toFile: folder + "/flows/hello.yaml", atomically: true, encoding: .utf8)
        let machine = Machine()
        let begin = Machine.monotonicSeconds
        let server = Process()
        server.executableURL = URL(filePath: runnel)
        server.arguments = ["serve", folder, "--port", "0", "--json", "--log-level", "error"]
        server.environment = ["HOME": folder, "RUNNEL_KEY_FILE": folder + ".key", "PATH": "/usr/bin:/bin"]
        let output = Pipe()
        server.standardOutput = output
        try server.run()
        defer {
            server.terminate()
            server.waitUntilExit()
        }
        let line = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        guard let url = Self.url(in: line) else { throw BenchmarkFailure("serve said no address: \(line)") }
        let response = try await HTTPClient().send(
            HTTPRequest(
                method: "POST",
                url: url + "/pages/hello",
                headers: ["Content-Type": "application/json"],
                body: Array("{}".utf8),
                addressPolicy: .loopbackOnly
            )
        )
        guard response.status == 200 else { throw BenchmarkFailure("the first flow answered \(response.status)") }
        report.add("cold start to first finished flow", (Machine.monotonicSeconds - begin) * 1_000, "ms", machine)
        return true
    }

    private static func url(in line: String) -> String? {
        let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return object?["url"] as? String
    }

    private static let app = """
        app: cold
        tables:
          notes:
            columns:
              text: { type: string }

        """

    private static let flow = """
        flow: hello
        kind: page
        access: [public]
        output: { id: '${ blocks.note.id }' }
        blocks:
          - id: note
            block: insert-record
            table: notes
            set: { text: first }

        """
}
