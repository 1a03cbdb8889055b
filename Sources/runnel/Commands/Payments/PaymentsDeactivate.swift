import ArgumentParser
import Expressions
import FlowEngine
import FlowLanguage
import FlowServer
import FlowStores
import Payments

extension PaymentsCommand {
    struct Deactivate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "deactivate",
            abstract: "Switches payments off; what is recorded stays, and `activate` brings all of it back.",
            discussion: "Refused while something is not finished: Stripe's events would find nobody. --force does it."
        )
        @Argument(help: "The app's folder.") var app: String = "."
        @OptionGroup var options: AppOptions
        @Flag(help: "Also while payments, refunds or recurring payments are open.") var force = false

        func run() async throws {
            try await reporting {
                let folder = AppFiles(app)
                let checked = try AppLoading.app(in: app).app
                guard checked.payments != nil, let text = folder.read("app.yaml"),
                    let (rest, section) = PaymentsSection.removed(from: text)
                else { throw CommandFailure("\(app)/app.yaml has no `payments:` of its own to take out") }
                if !force { try await refuseWhileOpen() }
                let callbacks = CallbackTrigger.allCases.flatMap { checked.flows(on: $0) }.map(\.range.file)
                // Nothing is touched unless what is left passes the check.
                let findings = try AppFiles.findings(app) { path in
                    if path.hasSuffix("app.yaml") { return rest }
                    return callbacks.contains(path) ? "" : nil
                }
                guard findings.isEmpty else {
                    for finding in findings {
                        Console.note("\(finding.range.file):\(finding.range.start.line): \(finding.message)")
                    }
                    throw CommandFailure("these flows use payments; change or remove them first")
                }
                for path in callbacks {
                    guard let name = path.split(separator: "/").last else { continue }
                    try folder.setAside("flows/\(name)")
                }
                try folder.write(section, to: AppFiles.section)
                try folder.write(rest, to: "app.yaml")
                Console.note("payments are off; `runnel payments activate` brings them back as they were")
            }
        }

        private func refuseWhileOpen() async throws {
            let status = try await AppAdministration.perform(app, options) { try await $0.paymentsStatus() }
            let open = ["openPayments", "refundsUnderWay", "openRecurringPayments"]
                .map { status[$0]?.intValue ?? 0 }
            guard open.allSatisfy({ $0 == 0 }) else {
                throw CommandFailure(
                    "\(open[0]) payments, \(open[1]) refunds and \(open[2]) recurring payments are not finished"
                )
            }
        }
    }

    struct Rebind: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rebind",
            abstract: "Moves the recorded payments to another order table, all of them or none.",
            discussion: """
                Copy the orders into the new table first, with each one's old number in a column of its own; name the \
                new table under `payments: orderTable` in app.yaml; then call this with the server stopped.
                """
        )
        @Argument(help: "The app's folder.") var app: String = "."
        @Option(help: "The column of the new table that holds the old number; `id` when the numbers are the same.")
        var by: String
        @OptionGroup var options: AppOptions

        func run() async throws {
            try await reporting {
                let opened = try await OpenedApp.open(app, options: options, confirmsBinding: false)
                defer { opened.store.close() }
                guard let declaration = opened.app.payments,
                    let table = opened.app.table(named: declaration.orderTable),
                    by == "id" || table.column(named: by)?.type == .int
                else {
                    throw CommandFailure("the order table of \(app)/app.yaml has no column '\(by)' of whole numbers")
                }
                var outcome = PaymentsBinding.Outcome.tooMany
                try opened.store.writeGroup { transaction throws(StoreError) in
                    outcome = try PaymentsBinding(transaction).move(to: table.name, by: by)
                }
                switch outcome {
                case .moved(let rows): Console.note("\(rows) payments count in '\(table.name)' now")
                case .unmatched(let orders):
                    let list = orders.prefix(20).map(String.init).joined(separator: ", ")
                    throw CommandFailure(
                        "nothing was changed: '\(table.name)' has no row, or several, for order \(list)"
                    )
                case .tooMany: throw CommandFailure("nothing was changed: there are too many payments for one step")
                }
            }
        }
    }
}
