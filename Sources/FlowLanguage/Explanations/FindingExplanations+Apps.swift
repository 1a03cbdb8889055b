extension FindingExplanations {
    static let apps: [FindingCode: Page] = [
        .widgetOrder: Page(
            cause: """
                A widget makes an order by itself, with its fixed amount as 'total': what else the \
                order table needs is left empty. An enum, a reference or a unique column cannot be.
                """,
            remedy: """
                Give the column a default, or use a flow of your own with <runnel-payment flow="…">.
                """
        ),
        .appMissing: Page(
            cause: """
                There is no app.yaml, which says what the app is called and which tables and connections it has.
                """,
            remedy: """
                Run 'runnel init', or call the command on the app's folder.
                """
        ),
        .appCurrency: Page(
            cause: """
                The currency is not one that payments can be made in. Three letters of ISO 4217 are expected.
                """,
            remedy: """
                Take the code from the note, such as usd or eur.
                """
        ),
        .appRoleTwice: Page(
            cause: """
                A role is listed twice.
                """,
            remedy: """
                Remove one.
                """
        ),
        .roleUnknown: Page(
            cause: """
                The role is not declared. Besides 'admin' and 'public', roles are listed under 'roles' in \
                app.yaml.
                """,
            remedy: """
                Declare it, or take the name from the note.
                """
        ),
        .appPaymentsConnection: Page(
            cause: """
                'payments' is bound to a connection of another service than stripe.
                """,
            remedy: """
                Name a connection whose service is stripe.
                """
        ),
        .serviceUnknown: Page(
            cause: """
                The service of a connection is not one that Runnel has.
                """,
            remedy: """
                Take one of the listed services; any HTTP interface can be reached with the service http.
                """
        ),
        .limitTables: Page(
            cause: """
                The app declares more tables than an app may have (200).
                """,
            remedy: """
                Join tables that hold the same kind of thing, or split the app.
                """
        ),
        .limitColumns: Page(
            cause: """
                A table declares more columns than a table may have (200).
                """,
            remedy: """
                Move columns into a second table, or into one column of type json.
                """
        ),
        .limitIndexes: Page(
            cause: """
                A table declares more than 16 indexes, or one index names more than 8 columns. Each index is written with
                every row, and columns behind the first few tell hardly any rows apart.
                """,
            remedy: """
                Keep the indexes of the questions that are asked often; one over [a, b] also answers those about a alone.
                """
        ),
        .indexColumn: Page(
            cause: """
                An index names a column that none can be over: 'json' and 'bytes' have no order that a question could use, and
                'id' ends every index by itself.
                """,
            remedy: """
                Index the columns that 'where' compares and 'order' sorts by; move what is asked for out of the json column.
                """
        ),
        .indexTwice: Page(
            cause: """
                An index names a column twice, or says what the table has already: unique columns, references and the owner's
                column have an index of their own.
                """,
            remedy: """
                Remove the repetition.
                """
        ),
        .limitFlows: Page(
            cause: """
                The folder flows/ holds more files than an app may have (500).
                """,
            remedy: """
                Split the app.
                """
        ),
        .tableReserved: Page(
            cause: """
                The name belongs to a table that Runnel keeps itself.
                """,
            remedy: """
                Choose another name. What 'payments' brings is read, not declared.
                """
        ),
        .columnReserved: Page(
            cause: """
                'id' is in every table by itself and given by the table.
                """,
            remedy: """
                Remove it; use another column for ids of your own.
                """
        ),
        .columnRule: Page(
            cause: """
                A rule of the column or input does not fit its type, or two rules contradict each other.
                """,
            remedy: """
                Remove the rule, or change the type.
                """
        ),
        .enumTwice: Page(
            cause: """
                A value is listed twice in 'enum'.
                """,
            remedy: """
                Remove one.
                """
        ),
        .accessRefund: Page(
            cause: """
                A command that can move money out, such as 'refund' or 'request', is granted to a role other than \
                admin: everyone with that role can call it.
                """,
            remedy: """
                Grant it to admin, or to a role of its own that few hold. The warning stays as a reminder.
                """
        ),
    ]
}
