/// The callback actionflows that `runnel payments activate` writes into an app, as text inside the program.
package enum BuiltinFlows {
    /// One template: the flow's name, which is also its file's, and the YAML.
    package struct Template: Sendable, Hashable {
        package let name: String
        package let text: String
    }

    package static let all = [
        template("payment-callback", PackageResources.payment_callback_yaml),
        template("refund-callback", PackageResources.refund_callback_yaml),
        template("recurring-payment-callback", PackageResources.recurring_payment_callback_yaml),
        template("recurring-charge-callback", PackageResources.recurring_charge_callback_yaml),
    ]

    private static func template(_ name: String, _ bytes: [UInt8]) -> Template {
        Template(name: name, text: String(decoding: bytes, as: UTF8.self))
    }
}
