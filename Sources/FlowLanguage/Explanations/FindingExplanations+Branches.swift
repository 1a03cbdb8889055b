extension FindingExplanations {
    /// `parallel`, and `for-each` with `concurrency`.
    static let branches: [FindingCode: Page] = [
        .branchBlock: Page(
            cause: """
                Branches of 'parallel' and turns of a 'for-each' with 'concurrency' go on at the same time. An answer to \
                the caller, and the question what a callback was about, are the whole run's: they stand outside.
                """,
            remedy: """
                Put 'callback-handler' before the block and 'respond' behind it.
                """
        ),
        .branchVariable: Page(
            cause: """
                A branch works on a copy of the variables, so that what a run comes to does not depend on which branch \
                was faster. What it sets is gone when it ends; here a variable of the flow would seem to change and \
                would not.
                """,
            remedy: """
                Give the variable another name inside. To hand something on, use what the block gives: \
                'blocks.<id>.<branch>.<block>' of 'parallel', 'collect' of 'for-each'.
                """
        ),
        .parallelName: Page(
            cause: """
                'blocks.<id>.first' names the branch that won ('join: first'), and 'blocks.<id>.failures' lists those \
                that failed ('onFailure: continue').
                """,
            remedy: """
                Give the branch another name.
                """
        ),
        .parallelJoin: Page(
            cause: """
                With 'join: first' the block is done with the first branch that succeeds, and fails only when all have \
                failed. There is nothing left for 'onFailure' to say.
                """,
            remedy: """
                Remove 'onFailure', or write 'join: all'.
                """
        ),
    ]
}
