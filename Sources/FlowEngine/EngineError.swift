/// Why the engine did not do what a caller asked.
package struct EngineError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        /// No flow of that name may be called this way. Nothing happened.
        case unknownFlow
        /// No event of that name is declared. Nothing happened.
        case unknownEvent
        /// The caller has none of the roles. Nothing happened.
        case forbidden
        /// The input does not fit the flow's declaration. Nothing happened.
        case invalidInput([InputFinding])
        /// The idempotency key was used with another input. Nothing happened.
        case keyReused
        /// Too much waits already; try again later. Nothing happened.
        case overloaded
        /// Recovering, out of disk space, or stopping; try again later. Nothing happened.
        case notReady
        /// No such run.
        case unknownRun
        /// The run is in a state in which this cannot be done. Nothing changed.
        case wrongState
        /// The store failed. With `.unavailable` it may have happened: ask again with the same key.
        case store(StoreError.Code)
    }

    package let code: Code
    /// For the caller: names flows and inputs, quotes no values.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package init(_ error: StoreError) {
        self.init(.store(error.code), "the store failed: \(error.code)")
    }

    package var description: String { message }
}

/// One thing that is wrong with a call's input.
package struct InputFinding: Sendable, Hashable {
    /// The input's name; empty for the whole.
    package var path: String
    package var message: String

    package init(path: String, message: String) {
        self.path = path
        self.message = message
    }
}
