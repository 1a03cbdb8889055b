extension FindingExplanations {
    static let cases: [FindingCode: Page] = [
        .caseTwice: Page(
            cause: """
                Two test cases bear the same name, so that nobody could tell from a report which one failed.
                """,
            remedy: """
                Say in each name what that case shows.
                """
        ),
        .caseStep: Page(
            cause: """
                A step of a test case is one thing that happens: a page call, a web hook, an event of Stripe, a payment \
                in the browser, time that passes. This one names none of them, or several; or a case plays a second \
                capsule, whose rows would stand where the first one's do.
                """,
            remedy: """
                Write one of the listed keys; what else happens is a step of its own.
                """
        ),
        .caseTime: Page(
            cause: """
                The clock of a test case is a moment, and a moment needs its zone.
                """,
            remedy: """
                Write it as 2026-11-20T12:00:00Z.
                """
        ),
        .caseDuration: Page(
            cause: """
                A time span is a number with its unit: ms, s, m, h or d; several may follow each other. At most 20 \
                years pass in one step.
                """,
            remedy: """
                Write 90s, 2h30m or 31d.
                """
        ),
        .caseFile: Page(
            cause: """
                A test case may read files of its own app and no others, so that it means the same on every machine.
                """,
            remedy: """
                Put the file into the app's folder and name it from there, such as events/paid.json.
                """
        ),
    ]
}
