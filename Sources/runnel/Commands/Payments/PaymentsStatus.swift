import ArgumentParser
import Expressions
import FlowServer

extension PaymentsCommand {
    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "status",
            abstract: "How the payment feature stands: keys, callbacks, and what is not finished."
        )
        @Argument(help: "The app's folder.") var app: String = "."
        @OptionGroup var options: AppOptions
        @Flag(help: "As JSON.") var json = false

        func run() async throws {
            try await reporting {
                let status = try await AppAdministration.perform(app, options) { try await $0.paymentsStatus() }
                if json { return try Console.json(status) }
                for line in Self.lines(of: status) { Console.data(line) }
            }
        }

        private static func lines(of status: Value) -> [String] {
            let text = { (name: String) in status[name]?.stringValue ?? "" }
            let words = { (value: Value?) in (value?.listValue ?? []).compactMap(\.stringValue) }
            let number = { (name: String) in status[name]?.intValue ?? 0 }
            var lines = [
                "active: connection \(text("connection")), order table \(text("orderTable")), \(text("mode")) mode",
                "set:  \(words(status["secrets"]).joined(separator: ", "))",
            ]
            for name in words(status["missingSecrets"]) { lines.append("missing: `runnel secrets set \(name)`") }
            for (trigger, flows) in status["callbacks"]?.mapValue ?? [:] {
                let names = words(flows)
                guard let trigger = trigger.stringValue else { continue }
                lines.append("\(trigger): \(names.isEmpty ? "no flow" : names.joined(separator: ", "))")
            }
            lines.append(
                "not finished: \(number("openPayments")) payments, \(number("refundsUnderWay")) refunds, "
                    + "\(number("openRecurringPayments")) recurring payments"
            )
            lines.append(
                "events: \(number("unmatchedEvents")) of objects that are not known here, "
                    + "\(number("awaitingEvents")) whose object is to be fetched"
            )
            return lines
        }
    }
}
