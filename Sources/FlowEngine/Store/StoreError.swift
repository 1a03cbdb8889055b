/// Why the store could not do what was asked.
package struct StoreError: Error, Sendable, Hashable, CustomStringConvertible {
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Name: String, Sendable, Hashable {
            case constraint, invalidValue, finalState, staleEpoch, full, busy, unavailable, corrupt, groupFailed,
                closed, schema
        }
        private let name: Name
        private init(_ name: Name) { self.name = name }

        /// A unique, reference or check rule of a table refused the row.
        ///
        /// Nothing changed; a failure of the block.
        package static let constraint = Code(.constraint)
        /// A value is not of the column's type or beyond its bounds.
        ///
        /// Nothing changed; a failure of the block.
        package static let invalidValue = Code(.invalidValue)
        /// A final run was to be changed.
        ///
        /// Nothing changed.
        package static let finalState = Code(.finalState)
        /// The run belongs to a later epoch: whoever writes is a ghost.
        ///
        /// Nothing changed.
        package static let staleEpoch = Code(.staleEpoch)
        /// No space.
        ///
        /// The whole group is undone; go on when there is space.
        package static let full = Code(.full)
        /// Another program holds the store's lock.
        ///
        /// The whole group is undone; go on when it lets go.
        package static let busy = Code(.busy)
        /// I/O failed; whether the group is on disk is known after reopening.
        package static let unavailable = Code(.unavailable)
        /// A row failed its check on reading.
        ///
        /// Never retried.
        package static let corrupt = Code(.corrupt)
        /// Another part of the group made it fail.
        ///
        /// Nothing of the group happened.
        package static let groupFailed = Code(.groupFailed)
        /// The store is closing.
        ///
        /// Nothing happened.
        package static let closed = Code(.closed)
        /// The tables on disk cannot be brought to the app's declaration by adding alone.
        ///
        /// Nothing changed.
        package static let schema = Code(.schema)

        package var description: String { name.rawValue }
    }

    package let code: Code
    /// For the author or operator; names tables and columns, never values.
    package let message: String
    /// The column that the refusal is about, when there is one.
    package let column: String?

    package init(_ code: Code, _ message: String, column: String? = nil) {
        self.code = code
        self.message = message
        self.column = column
    }

    /// The statement was refused for its data: the block failed and the group goes on.
    package var isBlockFailure: Bool { code == .constraint || code == .invalidValue }

    package var description: String { "store: \(code): \(message)" }
}
