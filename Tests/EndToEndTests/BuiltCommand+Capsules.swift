import Expressions
import Foundation
import Testing

@testable import runnel

extension BuiltCommand {
    /// What no capsule may hold.
    private static let canaries = [
        DemoClient.secretKey, "whsec_endToEndTest", "Bearer rnl_", "stripe-signature", "Stripe-Signature",
    ]

    /// Exports every run of a world, then replays them all where there is no network and no data.
    ///
    /// At most as many as tell something new: worlds that run one flow fifty times show it in the first.
    static func expectReplays(of world: DemoWorld, limit: Int = 30) throws {
        let list = try command(["runs", "list", world.app, "--limit", "1000", "--json"], world)
        let runs = try JSON.parse(list.output).listValue ?? []
        let folder = world.folder.appending(path: "capsules")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var files: [String] = []
        for run in runs.suffix(limit) {
            guard let id = run["run"]?.intValue ?? run["id"]?.intValue else { continue }
            let file = folder.appending(path: "\(id).capsule").path
            let export = try command(["runs", "export", String(id), world.app, "--output", file], world)
            #expect(export.code == 0 && !export.errors.contains("warning"), "\(export.errors)")
            let text = String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
            for canary in canaries { #expect(!text.contains(canary), "run \(id) shows \(canary)") }
            files.append(file)
        }
        guard !files.isEmpty else { return }
        let verified = try command(["capsule", "verify"] + files, world)
        #expect(verified.code == 0, "\(verified.output)")
        // Its own network, which has no interface; its own folder, which has no data.
        let words = ["--user", "--map-root-user", "--net", url.path, "replay", "--quiet"] + files
        let replayed = try ChildProcess.run(URL(filePath: "/usr/bin/unshare"), words, environment: [:])
        #expect(replayed.code == 0, "\(replayed.output)\n\(replayed.errors)")
    }

    private static func command(_ words: [String], _ world: DemoWorld) throws -> (
        code: Int32, output: String, errors: String
    ) {
        try ChildProcess.run(url, words, environment: world.environment)
    }
}
