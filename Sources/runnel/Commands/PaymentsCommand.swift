import ArgumentParser
import FlowLanguage
import Foundation
import Payments

struct PaymentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payments",
        abstract: "The payment feature of an app.",
        subcommands: [Activate.self, Status.self, Reconcile.self]
    )

    struct Activate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "activate",
            abstract: "Writes the callback actionflows into an app; never over a file that is there."
        )
        @Argument(help: "The app's folder.") var app: String = "."

        func run() async throws {
            try await reporting {
                let checked = try AppLoading.app(in: app).app
                let base = URL(filePath: app)
                var files: [String: String] = [:]
                for step in PaymentsActivation.steps(for: checked, files: [:]) {
                    let present = try? String(contentsOf: base.appending(path: step.path), encoding: .utf8)
                    files[step.path] = present
                }
                let steps = PaymentsActivation.steps(for: checked, files: files)
                guard !steps.isEmpty else {
                    throw CommandFailure("\(app)/app.yaml has no `payments:`; say there which table holds the orders")
                }
                for step in steps {
                    if let text = step.text { try write(text, to: base.appending(path: step.path)) }
                    Console.note("\(step.path): \(step.action.summary)")
                }
            }
        }

        private func write(_ text: String, to target: URL) throws {
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(text.utf8).write(to: target, options: .atomic)
        }
    }
}

extension PaymentsActivation.Step.Action {
    /// What was done, for a person.
    fileprivate var summary: String {
        switch self {
        case .create: "written"
        case .upgrade: "brought up to date"
        case .upToDate: "up to date"
        case .keepChanged: "left as you changed it"
        case .keepOther(let flow): "not needed: the flow '\(flow)' has its trigger"
        }
    }
}
