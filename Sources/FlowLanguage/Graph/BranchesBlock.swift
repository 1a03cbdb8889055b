package import Expressions

/// Lists of blocks that go on beside each other, each in a run of its own: `parallel`, and `for-each` with `concurrency`.
package struct BranchesBlock: Sendable {
    /// What goes on beside what.
    package enum Content: Sendable {
        case lists([List])
        case items(Items)
    }

    /// A branch of `parallel`.
    package struct List: Sendable {
        package var name: String
        package var entry: NodeIndex
        /// The ids inside: what their blocks give is what the branch gives.
        package var ids: [String]

        package init(name: String, entry: NodeIndex, ids: [String]) {
            self.name = name
            self.entry = entry
            self.ids = ids
        }
    }

    /// The turns of a `for-each`.
    package struct Items: Sendable {
        /// The list that is gone through.
        package var head: Expression
        package var entry: NodeIndex
        /// What each turn hands on to `items`.
        package var collect: ValueTemplate?
        /// What the author calls the item of a turn.
        package var name: String
        /// How many turns go on at once; the next one begins when one of them is over.
        package var concurrency: Int

        package init(
            head: Expression,
            entry: NodeIndex,
            collect: ValueTemplate?,
            name: String,
            concurrency: Int
        ) {
            self.head = head
            self.entry = entry
            self.collect = collect
            self.name = name
            self.concurrency = concurrency
        }
    }

    /// When the block is done.
    package enum Join: String, Sendable, Hashable, CaseIterable {
        case all
        /// With the first branch that succeeds; the others are cancelled.
        case first
    }

    /// What becomes of the other branches when one fails.
    package enum FailureRule: String, Sendable, Hashable, CaseIterable {
        /// They are cancelled, and the block fails.
        case stop
        /// They go on, and the block tells of the failures in what it gives.
        case `continue`
    }

    package var content: Content
    package var join: Join
    package var onFailure: FailureRule

    package init(content: Content, join: Join, onFailure: FailureRule) {
        self.content = content
        self.join = join
        self.onFailure = onFailure
    }

    package var word: String {
        switch content {
        case .lists: "parallel"
        case .items: "for-each"
        }
    }
}
