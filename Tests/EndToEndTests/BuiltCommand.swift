import Foundation

@testable import runnel

/// The `runnel` that was built beside these tests.
enum BuiltCommand {
    static let url = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "runnel")

    /// A world of its own for one test, stopped at its end: of the shop, unless another sample is named, and of more files.
    static func withWorld(
        _ name: String,
        runtimeEnvironment: [String: String] = [:],
        sample: String = "shop",
        files: [String: String] = [:],
        customer: String = "customer",
        serveOptions: [String] = [],
        _ body: (DemoWorld) async throws -> Void
    ) async throws {
        let world = try await DemoWorld.start(
            executable: url,
            name: "runnel test \(name) \(ProcessInfo.processInfo.processIdentifier)",
            runtimeEnvironment: runtimeEnvironment,
            serveOptions: serveOptions,
            customer: customer
        ) { folder in
            try copy(sample, to: folder)
            for (path, text) in files { try text.write(toFile: "\(folder)/\(path)", atomically: true, encoding: .utf8) }
        }
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

    static let samples = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "samples")

    /// Copies a sample as it stands, without what a server that was started by hand left in it.
    private static func copy(_ sample: String, to folder: String) throws {
        let source = samples.appending(path: sample)
        for name in try FileManager.default.contentsOfDirectory(atPath: source.path) where !name.hasPrefix(".") {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: source.appending(path: name).path, toPath: "\(folder)/\(name)")
        }
    }
}
