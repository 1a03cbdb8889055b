/// Why an operator's request was not done.
package struct AdministrationError: Error, Sendable, Hashable, CustomStringConvertible {
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Name: String, Sendable, Hashable { case notFound, invalid, unavailable }
        private let name: Name
        private init(_ name: Name) { self.name = name }

        /// There is no such run, token or secret; nothing changed.
        package static let notFound = Code(.notFound)
        /// What was asked for is not well formed; nothing changed.
        package static let invalid = Code(.invalid)
        /// The store or the server did not do it; ask again, and look first whether it happened.
        package static let unavailable = Code(.unavailable)

        package var description: String { name.rawValue }
    }

    package let code: Code
    /// For the operator; never holds a token or a secret.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
