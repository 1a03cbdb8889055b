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
            /// The builder has changed the file and the template has not changed, or nobody knows what it began as.
            case keepChanged
            /// Both have changed the file, at different places: write both changes.
            case merge
            /// Both have changed the same lines, which count in the builder's file: leave it.
            case conflict(lines: [Int])
            /// Another flow of the app has the trigger: leave everything as it is.
            case keepOther(flow: String)
        }

        /// Relative to the app's folder: `flows/payment-callback.yaml`.
        package let path: String
        package let action: Action
        /// What the file is to hold, when it is to be written.
        package let text: String?
        /// What is to be kept as the text that the file began with, when that changes.
        package let base: String?
    }

    /// The templates' triggers, by name.
    private static let triggers: [String: CallbackTrigger] = [
        "payment-callback": .paymentCompleted, "refund-callback": .refundCompleted,
        "recurring-payment-callback": .recurringManaged, "recurring-charge-callback": .recurringCharged,
    ]

    /// SHA-256 of the templates of earlier versions, before they were fitted to an app.
    private static let formerTemplates: [String: Set<String>] = [
        "recurring-charge-callback": ["23edfd24ef1bda68bd77362b5ad8dcf298da0cc7fd519ffdd7db0af329afb8d5"]
    ]

    /// - Parameters:
    ///   - app: the app as it is; it may have no callbacks yet.
    ///   - files: the texts of the app's flow files, by path relative to the app's folder.
    ///   - bases: the texts that these files began with, by the same paths.
    /// - Returns: one step for each template; none for an app without `payments:`.
    package static func steps(for app: App, files: [String: String], bases: [String: String] = [:]) -> [Step] {
        guard let payments = app.payments else { return [] }
        let fitter = TemplateFitter(orders: app.table(named: payments.orderTable), tableName: payments.orderTable)
        return BuiltinFlows.all.compactMap { template in
            guard let trigger = triggers[template.name] else { return nil }
            let path = "flows/\(template.name).yaml"
            let text = fitter.fit(template.text)
            guard let present = files[path] else {
                if let other = app.flows(on: trigger).first {
                    return Step(path: path, action: .keepOther(flow: other.name), text: nil, base: nil)
                }
                return Step(path: path, action: .create, text: text, base: text)
            }
            let former = formerTemplates[template.name] ?? []
            let isFormer = former.contains(digest(unfit(present, orderTable: payments.orderTable)))
            return step(path, mine: present, theirs: text, base: bases[path] ?? (isFormer ? present : nil), bases[path])
        }
    }

    /// What becomes of a file that is there.
    private static func step(_ path: String, mine: String, theirs: String, base: String?, _ kept: String?) -> Step {
        let newBase = kept == theirs ? nil : theirs
        if mine == theirs { return Step(path: path, action: .upToDate, text: nil, base: newBase) }
        guard let base, base != theirs else { return Step(path: path, action: .keepChanged, text: nil, base: nil) }
        if mine == base { return Step(path: path, action: .upgrade, text: theirs, base: newBase) }
        let merge = TextMerge(base: base, mine: mine, theirs: theirs)
        guard merge.conflicts.isEmpty else {
            return Step(path: path, action: .conflict(lines: merge.conflicts.map(\.line)), text: nil, base: nil)
        }
        return Step(path: path, action: .merge, text: merge.text, base: newBase)
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
