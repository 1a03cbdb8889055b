/// An operation of Stripe's API, under the name that its Node library gives it.
package struct StripeOperation: Sendable, Hashable {
    package enum Verb: String, Sendable, Hashable {
        case get = "G"
        case post = "P"
        case delete = "D"
    }

    /// Such as `customers.create`.
    package var name: String
    package var verb: Verb
    /// With `{}` where an id stands.
    package var path: String
    /// The body is JSON, not a form.
    package var isJSON: Bool
    /// It sends a file or speaks to another host, which the client cannot.
    package var isUnavailable: Bool
}

/// Every operation, from one table: the worker's client and the host read the same.
package enum StripeOperations {
    /// A line each: resource, method, verb, path, and marks: `l` list, `s` search, `j` JSON, `m` file, `x` other host.
    package static var text: [UInt8] { PackageResources.stripe_operations_txt }

    private static let byName: [String: StripeOperation] = {
        var operations: [String: StripeOperation] = [:]
        for line in text.split(separator: UInt8(ascii: "\n")) {
            let parts = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            guard parts.count >= 4, let verb = StripeOperation.Verb(rawValue: parts[2]) else { continue }
            let marks = parts.count > 4 ? parts[4] : ""
            let name = "\(parts[0]).\(parts[1])"
            operations[name] = StripeOperation(
                name: name,
                verb: verb,
                path: parts[3],
                isJSON: marks.contains("j"),
                isUnavailable: marks.contains("m") || marks.contains("x")
            )
        }
        return operations
    }()

    package static var count: Int { byName.count }

    package static func named(_ name: String) -> StripeOperation? { byName[name] }
}
