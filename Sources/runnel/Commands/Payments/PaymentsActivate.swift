import ArgumentParser
import FlowLanguage
import Foundation
import Payments

extension PaymentsCommand {
    struct Activate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "activate",
            abstract: "Switches payments on, and writes the callback actionflows into an app.",
            discussion: """
                Run it again after an update: a template that changed is merged into what you made of it, and what \
                both changed is left as you have it. The texts it began with are kept in APP/.templates.
                """
        )
        @Argument(help: "The app's folder.") var app: String = "."
        @Option(help: "The Stripe connection, when app.yaml has no `payments:` yet.") var connection: String?
        @Option(help: "The table that holds the orders, when app.yaml has no `payments:` yet.") var orderTable: String?

        func run() async throws {
            try await reporting {
                let folder = AppFiles(app)
                try switchOn(folder)
                try folder.restoreInactive()
                let checked = try AppLoading.app(in: app, writesCallbacks: true).app
                guard checked.payments != nil else {
                    throw CommandFailure(
                        "\(app)/app.yaml has no `payments:`; give --connection and --order-table to write it"
                    )
                }
                let paths = PaymentsActivation.steps(for: checked, files: [:]).map(\.path)
                let texts = { (path: (String) -> String) in
                    Dictionary(uniqueKeysWithValues: paths.map { ($0, folder.read(path($0))) }).compactMapValues { $0 }
                }
                let steps = PaymentsActivation.steps(
                    for: checked,
                    files: texts { $0 },
                    bases: texts(AppFiles.template)
                )
                var hasConflicts = false
                for step in steps {
                    let action = try apply(step, folder)
                    if case .conflict = action { hasConflicts = true }
                    Console.note("\(step.path): \(action.summary)")
                }
                if hasConflicts { throw Exit.failed }
            }
        }

        /// Writes `payments:` where it is asked for and is not there.
        private func switchOn(_ folder: AppFiles) throws {
            guard let text = folder.read("app.yaml"), PaymentsSection.removed(from: text) == nil else { return }
            if let connection, let orderTable {
                try folder.write(
                    PaymentsSection.added(to: text, connection: connection, orderTable: orderTable),
                    to: "app.yaml"
                )
            } else if let section = folder.read(AppFiles.section) {
                try folder.write(PaymentsSection.added(to: text, section: section), to: "app.yaml")
                try folder.remove(AppFiles.section)
            }
        }

        private func apply(
            _ step: PaymentsActivation.Step,
            _ folder: AppFiles
        ) throws -> PaymentsActivation.Step.Action {
            if let text = step.text {
                // What was merged line by line must still be a flow.
                guard try step.action != .merge || AppFiles.compiles(app, with: step.path, holding: text) else {
                    return .conflict(lines: [])
                }
                try folder.write(text, to: step.path)
            }
            if let base = step.base { try folder.write(base, to: AppFiles.template(of: step.path)) }
            return step.action
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
        case .merge: "what changed in the template is merged into yours"
        case .conflict(let lines) where lines.isEmpty: "left: merged with the new template it would not pass `check`"
        case .conflict(let lines):
            "left: you and the new template changed the same, at line \(lines.map(String.init).joined(separator: ", "))"
        case .keepOther(let flow): "not needed: the flow '\(flow)' has its trigger"
        }
    }
}
