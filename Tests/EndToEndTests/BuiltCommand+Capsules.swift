import Expressions
import Foundation
import Testing

@testable import runnel

extension BuiltCommand {
    /// What no capsule may hold.
    private static let canaries = [
        DemoClient.secretKey, "whsec_endToEndTest", "Bearer rnl_", "stripe-signature", "Stripe-Signature",
    ]

    /// Whether this machine lets a program have a network of its own, with nothing in it.
    static let hasEmptyNetwork: Bool = {
        let result = try? ChildProcess.run(
            URL(filePath: "/usr/bin/unshare"),
            emptyNetwork + ["/usr/bin/true"],
            environment: [:]
        )
        return result?.code == 0
    }()

    private static let emptyNetwork = ["--user", "--map-root-user", "--net"]

    static func expectReplays(of world: DemoWorld) throws {
        try expectReplays(of: world.app, environment: world.environment)
    }

    /// Exports every run of an app, then replays them all where there is no network and no data.
    ///
    /// Where no network can be taken away, they are replayed with it; `EmptyNetworkTests` says that by name.
    static func expectReplays(of app: String, environment: [String: String]) throws {
        let list = try ChildProcess.run(
            url,
            ["runs", "list", app, "--limit", "1000", "--json"],
            environment: environment
        )
        try #require(list.code == 0, "\(list.errors)")
        let runs = try JSON.parse(list.output).listValue ?? []
        let folder = FileManager.default.temporaryDirectory.appending(path: "runnel capsules \(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }  // The machine's affair, not the test's.
        var files: [String] = []
        for run in runs {
            let id = try #require(run["run"]?.intValue ?? run["id"]?.intValue, "\(run)")
            let file = folder.appending(path: "\(id).capsule").path
            let words = ["runs", "export", String(id), app, "--output", file]
            let export = try ChildProcess.run(url, words, environment: environment)
            #expect(export.code == 0 && !export.errors.contains("warning"), "\(export.errors)")
            let text = String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
            for canary in canaries { #expect(!text.contains(canary), "run \(id) shows \(canary)") }
            files.append(file)
        }
        guard !files.isEmpty else { return }
        let verified = try ChildProcess.run(url, ["capsule", "verify"] + files, environment: [:])
        #expect(verified.code == 0, "\(verified.output)")
        let replay = [url.path, "replay"] + files
        let replayed =
            hasEmptyNetwork
            ? try ChildProcess.run(URL(filePath: "/usr/bin/unshare"), emptyNetwork + replay, environment: [:])
            : try ChildProcess.run(url, Array(replay.dropFirst()), environment: [:])
        #expect(replayed.code == 0, "\(replayed.output)\n\(replayed.errors)")
        #expect(replayed.output.split(separator: "\n").count == files.count, "one line for each: \(replayed.output)")
    }
}

/// Named here, so that a machine that cannot take the network away shows it in its report.
@Suite struct EmptyNetworkTests {
    @Test(
        "end-to-end runs are replayed with an empty network",
        .enabled(if: BuiltCommand.hasEmptyNetwork, "this machine lets no program have a network of its own")
    )
    func network() throws {
        let words = ["--user", "--map-root-user", "--net", "/bin/cat", "/proc/net/dev"]
        let devices = try ChildProcess.run(URL(filePath: "/usr/bin/unshare"), words, environment: [:])
        let names = devices.output.split(separator: "\n").dropFirst(2)
        #expect(names.allSatisfy { $0.contains("lo:") }, "\(devices.output)")
    }
}
