import BuiltinFlows
import Crypto
package import FlowLanguage

/// Decides which callback actionflows `runnel payments activate` writes into an app.
///
/// Reads and writes nothing itself.
package enum PaymentsActivation {
    /// What is to be done about one template.
    package struct Step: Sendable, Hashable {
        package enum Action: Sendable, Hashable {
            /// The file is not there: write it.
            case create
            /// The file is an older template, unchanged since: write the new one over it.
            case upgrade
            /// The file is this template already.
            case upToDate
            /// The builder has changed the file: leave it.
            case keepChanged
            /// Another flow of the app has the trigger: leave everything as it is.
            case keepOther(flow: String)
        }

        /// Relative to the app's folder: `flows/payment-callback.yaml`.
        package let path: String
        package let action: Action
        /// What the file is to hold, when it is to be written.
        package let text: String?
    }

    /// The templates' triggers, by name.
    private static let triggers: [String: CallbackTrigger] = [
        "payment-callback": .paymentCompleted, "refund-callback": .refundCompleted,
        "recurring-payment-callback": .recurringManaged, "recurring-charge-callback": .recurringCharged,
    ]

    /// SHA-256 of the templates of earlier versions, before they were fitted to an app.
    private static let formerTemplates: [String: Set<String>] = [:]

    /// - Parameters:
    ///   - app: the app as it is; it may have no callbacks yet.
    ///   - files: the texts of the app's flow files, by path relative to the app's folder.
    /// - Returns: one step for each template; none for an app without `payments:`.
    package static func steps(for app: App, files: [String: String]) -> [Step] {
        guard let payments = app.payments else { return [] }
        let fitter = TemplateFitter(orders: app.table(named: payments.orderTable), tableName: payments.orderTable)
        return BuiltinFlows.all.compactMap { template in
            guard let trigger = triggers[template.name] else { return nil }
            let isRecurring = trigger == .recurringManaged || trigger == .recurringCharged
            guard !isRecurring || usesRecurringPayments(app) else { return nil }
            let path = "flows/\(template.name).yaml"
            let text = fitter.fit(template.text)
            guard let present = files[path] else {
                if let other = app.flows(on: trigger).first {
                    return Step(path: path, action: .keepOther(flow: other.name), text: nil)
                }
                return Step(path: path, action: .create, text: text)
            }
            if present == text { return Step(path: path, action: .upToDate, text: nil) }
            let former = formerTemplates[template.name] ?? []
            guard former.contains(digest(unfit(present, orderTable: payments.orderTable))) else {
                return Step(path: path, action: .keepChanged, text: nil)
            }
            return Step(path: path, action: .upgrade, text: text)
        }
    }

    /// Whether some flow starts a recurring payment: without one their callbacks would only be in the way.
    private static func usesRecurringPayments(_ app: App) -> Bool {
        app.flows.values.contains { flow in
            flow.nodes.contains { node in
                if case .command(let block) = node.action {
                    block.command == RecurringPayment.declaration.name
                } else {
                    false
                }
            }
        }
    }

    private static func unfit(_ text: String, orderTable: String) -> String {
        text.replacing("table: \(orderTable)\n", with: "table: orders\n")
    }

    private static func digest(_ text: String) -> String {
        SHA256.hash(data: Array(text.utf8)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
