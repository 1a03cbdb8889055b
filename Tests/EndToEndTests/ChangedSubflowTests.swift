import Expressions
import FlowEngine
import FlowServer
import Foundation
import Testing

@testable import runnel

/// What runs under way do when a flow that they run is changed alone, and the server is started again.
@Suite(.serialized, .timeLimit(.minutes(2))) struct ChangedSubflowTests {
    private static let parent = """
        flow: parent
        kind: cloud
        trigger: { manual: true }
        output: { said: '${ blocks.sub.said }' }
        blocks:
          - { block: wait, event: rung, timeout: 1h }
          - { id: sub, block: run-flow, flow: child, input: { text: hello } }

        """

    private static func child(_ word: String) -> String {
        """
        flow: child
        kind: cloud
        trigger: { manual: true }
        input: { text: { type: string } }
        output: { said: '\(word) ${ input.text }' }
        blocks: [{ block: log, message: '\(word)' }]

        """
    }

    private static func app(connections: String = "") throws -> String {
        let shop = try String(contentsOf: BuiltCommand.samples.appending(path: "shop/app.yaml"), encoding: .utf8)
        return shop.replacing("\nconnections:\n", with: "\nconnections:\n" + connections, maxReplacements: 1)
            + "\nevents:\n  rung: {}\n"
    }

    private static let stock = "  stock: { service: http, url: 'https://stock.example.com' }\n"

    private func withWorld(_ name: String, _ body: (DemoWorld, AdminClient) async throws -> Void) async throws {
        let files = [
            "app.yaml": try Self.app(connections: Self.stock), "flows/parent.yaml": Self.parent,
            "flows/child.yaml": Self.child("old"),
        ]
        try await BuiltCommand.withWorld(name, files: files) { world in
            try await body(world, AdminClient(socket: AdminSocket.path(forDataFolder: world.app + "/.runnel")))
        }
    }

    private func restart(_ world: DemoWorld, changing files: [String: String]) async throws {
        world.runtime.stop()
        for (path, text) in files { try text.write(toFile: "\(world.app)/\(path)", atomically: true, encoding: .utf8) }
        try world.restartRuntime()
        _ = try await world.client.settled(on: "200") {
            let answer = try await world.client.get("/readyz")
            return "\(answer.status)"
        }
    }

    @Test("the child of a run that waited runs its old text, that of the next run the new one")
    func text() async throws {
        try await withWorld("subflow text") { world, server in
            let old = try await server.start("parent", input: [:])
            try await restart(world, changing: ["flows/child.yaml": Self.child("new")])
            let new = try await server.start("parent", input: [:])
            _ = try world.runnel(["events", "send", "rung", world.app])
            let (first, second) = (
                try await server.report(of: old, waiting: .seconds(20)),
                try await server.report(of: new, waiting: .seconds(20))
            )
            #expect(first.answer?.body["said"] == "old hello", "\(first.tree)")
            #expect(second.answer?.body["said"] == "new hello", "\(second.tree)")
            #expect(first.summary.version.prefix(64) == second.summary.version.prefix(64))
            #expect(first.summary.version != second.summary.version)
        }
    }

    @Test("where what the old child counted on is gone, the run is paused with the reason, and goes on once it is back")
    func misfit() async throws {
        try await withWorld("subflow misfit") { world, server in
            let run = try await server.start("parent", input: [:])
            try await restart(world, changing: ["app.yaml": try Self.app(), "flows/child.yaml": Self.child("new")])
            _ = try world.runnel(["events", "send", "rung", world.app])
            let paused = try await server.report(of: run, waiting: .seconds(20))
            #expect(paused.summary.status == .paused, "\(paused.tree)")
            #expect(paused.summary.failure?.code == "version_gone")
            let message = paused.summary.failure?.message ?? ""
            #expect(message.contains("the app has no connection 'stock' of service http now"), "\(message)")
            try await restart(world, changing: ["app.yaml": try Self.app(connections: Self.stock)])
            _ = try world.runnel(["runs", "resume", "\(run)", world.app])
            let report = try await server.report(of: run, waiting: .seconds(20))
            #expect(report.answer?.body["said"] == "old hello", "\(report.tree)")
        }
    }
}
