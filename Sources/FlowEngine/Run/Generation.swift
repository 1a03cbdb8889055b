/// How many runs started each other up to this one, without anybody asking: such a chain ends somewhere.
package struct Generation: RawRepresentable, Sendable, Hashable {
    /// By changes of tables, this run included.
    package var changes = 0
    /// By `run-flow` that does not wait, each within a second of its own beginning: who starts the next of its kind once
    /// an hour may do so for ever.
    package var starts = 0

    package init() {}

    /// As the store keeps it: the changes, below 256, and the starts in front of them.
    package init(rawValue: Int) {
        changes = rawValue & 0xFF
        starts = rawValue >> 8
    }

    package var rawValue: Int { starts << 8 | changes }
}
