/// The callback actionflows that `runnel payments activate` writes into an app, as text inside the program.
package enum BuiltinFlows {
    /// One template: the flow's name, which is also its file's, and the YAML.
    package struct Template: Sendable, Hashable {
        package let name: String
        package let text: String
    }

    package static let all = [
        Template(
            name: "payment-callback",
            text: String(decoding: PackageResources.payment_callback_yaml, as: UTF8.self)
        ),
        Template(name: "refund-callback", text: String(decoding: PackageResources.refund_callback_yaml, as: UTF8.self)),
    ]
}
