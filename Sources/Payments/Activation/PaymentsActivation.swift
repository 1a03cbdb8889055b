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
    ]

    /// SHA-256 of the templates of earlier versions, before they were fitted to an app.
    private static let formerTemplates: [String: Set<String>] = [:]

    /// - Parameters:
    ///   - app: the app as it is; it may have no callbacks yet.
    ///   - files: the texts of the app's flow files, by path relative to the app's folder.
    /// - Returns: one step for each template; none for an app without `payments:`.
    package static func steps(for app: App, files: [String: String]) -> [Step] {
        guard let payments = app.payments else { return [] }
        let orders = app.table(named: payments.orderTable)
        return BuiltinFlows.all.map { template in
            let path = "flows/\(template.name).yaml"
            let text = fit(template.text, orderTable: payments.orderTable, statuses: statuses(of: orders))
            guard let present = files[path] else {
                if let trigger = triggers[template.name], let other = app.flows(on: trigger).first {
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

    /// The values that the order table's `status` takes; nil when it has no such column.
    private static func statuses(of orders: Table?) -> (all: Set<String>, isAny: Bool)? {
        guard let column = orders?.column(named: "status"), column.type == .string else { return nil }
        return (Set(column.allowed), column.allowed.isEmpty)
    }

    /// The template for an order table: its name, and no write of a status that it cannot hold.
    private static func fit(_ text: String, orderTable: String, statuses: (all: Set<String>, isAny: Bool)?) -> String {
        var lines: [Substring] = []
        var block: [Substring] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            // A block that marks the order is kept or replaced as a whole, once its `set:` is known.
            if line.hasSuffix("- id: markPaid") || line.hasSuffix("- id: markRefunded") {
                block = [line]
                continue
            }
            guard !block.isEmpty else {
                lines.append(line)
                continue
            }
            block.append(line)
            guard let start = line.firstRange(of: "set: { status: ")?.upperBound else { continue }
            let status = String(line[start...].prefix { $0.isLetter })
            if statuses.map({ $0.isAny || $0.all.contains(status) }) ?? false {
                lines += block
            } else {
                let indent = block[0].prefix { $0 == " " }
                lines.append("\(indent)- block: log")
                lines.append(
                    "\(indent)  message: 'order ${ blocks.handler.orderId }: \(status); write it into your table here'"
                )
            }
            block = []
        }
        return lines.joined(separator: "\n").replacing("table: orders\n", with: "table: \(orderTable)\n")
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
