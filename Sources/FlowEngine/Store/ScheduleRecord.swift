package import Expressions

/// When a scheduled flow fires next; kept, so that a moment that passes while nobody is there is not forgotten.
package struct ScheduleRecord: Sendable, Hashable {
    package var flow: String
    /// What the moment was computed from; another one makes it void.
    package var definition: String
    /// Nil: never again.
    package var nextAt: Timestamp?

    package init(flow: String, definition: String, nextAt: Timestamp?) {
        self.flow = flow
        self.definition = definition
        self.nextAt = nextAt
    }
}
