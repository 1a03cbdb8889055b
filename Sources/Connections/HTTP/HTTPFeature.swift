import Expressions
package import FlowEngine
package import FlowLanguage

/// The block `http-request` and the service `http`.
package struct HTTPFeature: Feature {
    /// What `check` knows of the service.
    package static let service = ServiceDeclaration(
        name: "http",
        settings: [
            ParameterDeclaration(name: "url", type: .string, summary: "Scheme, host and perhaps a path"),
            ParameterDeclaration(name: "auth", type: .map(.string, .string), summary: "Names a secret"),
            ParameterDeclaration(
                name: "allow",
                type: .list(.string),
                summary: "Further hosts, and addresses that are not public"
            ),
            ParameterDeclaration(name: "timeout", type: .string, summary: "Such as 10s; absent: 30s"),
            ParameterDeclaration(name: "maxBytes", type: .int, summary: "Of an answer; absent: 1048576"),
        ],
        commands: [HTTPRequestCommand.declaration]
    )

    package init() {}

    package func command(_ name: String, of service: String) -> (any Command)? {
        service == Self.service.name && name == HTTPRequestCommand.declaration.name ? HTTPRequestCommand() : nil
    }

    package func runFinished(_ run: RunRecord, in transaction: any StoreTransaction) throws(StoreError) {}
}
