extension FindingExplanations {
    /// Waiting, repetition and time limits.
    static let timing: [FindingCode: Page] = [
        .typeDuration: Page(
            cause: """
                A span of time is written as numbers with units: ms, s, m, h, d, the long ones first.
                """,
            remedy: """
                Write such as 500ms, 30s, 5m, 1h30m or 7d.
                """
        ),
        .typeNumber: Page(
            cause: """
                Here stands a number, which may have a fraction.
                """,
            remedy: """
                Write it without quotes, such as 2 or 1.5.
                """
        ),
        .retryBlock: Page(
            cause: """
                'retry' attempts a block again, after a pause. A transaction cannot wait between two attempts at one of \
                its blocks.
                """,
            remedy: """
                Give the 'retry' to the whole transaction: each attempt at it begins with nothing done.
                """
        ),
        .retryRepeats: Page(
            cause: """
                A 'retry' of a block that holds others does all of them again. What one of them had done outside by \
                then, such as a charge, is a new request at the next attempt and has a new key: it happens once more.
                """,
            remedy: """
                Give the 'retry' to the blocks that may fail behind it, or to the request alone. Where that is meant, \
                leave it: it is a warning.
                """
        ),
        .waitShape: Page(
            cause: """
                'wait' waits for a span of time ('for'), until a moment ('until') or for an event ('event', with a \
                'key' if only some events of that name are meant, and a 'timeout' if it shall end).
                """,
            remedy: """
                Write exactly one of the three.
                """
        ),
        .eventUnknown: Page(
            cause: """
                Events that flows wait for are declared in app.yaml, so that a misspelt one is found here and not \
                by a run that waits for ever.
                """,
            remedy: """
                Add it: 'events: { order-shipped: { access: [warehouse] } }'. 'access' names the roles that may send \
                it; without it, admin alone may.
                """
        ),
        .nextBackwards: Page(
            cause: """
                'next' leads back to a block that stands earlier: it needs a bound, since else it could go on for \
                ever, and the block must find what it counts on. A jump forward needs no bound.
                """,
            remedy: """
                Write 'next: { to: again, max: 10 }'. More jumps than 'max' in one run, or in one turn of the \
                loop around it, are a failure. What the block uses must have run on each way that leads to it.
                """
        ),
        .loopVariable: Page(
            cause: """
                A turn of a loop begins with the variables as the turn before it left them. This one is set in the loop to \
                another type than it had before the loop, and what is done with it fails from the second turn on.
                """,
            remedy: """
                Set it to the same type on each way, such as with int(…) or string(…), or call what the loop sets \
                something else.
                """
        ),
    ]
}
