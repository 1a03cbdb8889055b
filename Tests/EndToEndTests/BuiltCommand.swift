import Foundation

@testable import runnel

/// The `runnel` that was built beside these tests.
enum BuiltCommand {
    static let url = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "runnel")

    /// A world of its own for one test, stopped at its end.
    static func withWorld(
        _ name: String,
        runtimeEnvironment: [String: String] = [:],
        _ body: (DemoWorld) async throws -> Void
    ) async throws {
        let world = try await DemoWorld.start(
            executable: url,
            name: "runnel test \(name) \(ProcessInfo.processInfo.processIdentifier)",
            runtimeEnvironment: runtimeEnvironment
        )
        do {
            try await body(world)
            try expectReplays(of: world)
        } catch {
            print(world.log())
            await world.stop()
            throw error
        }
        await world.stop()
    }
}
