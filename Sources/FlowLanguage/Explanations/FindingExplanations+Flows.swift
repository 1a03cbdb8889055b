extension FindingExplanations {
    static let flows: [FindingCode: Page] = [
        .accessCommand: Page(
            cause: """
                The page may be called by a role to which one of the page's commands, or a page that it runs, is closed: \
                for that role the page always fails.
                """,
            remedy: """
                Grant the command under 'access' of the connection in app.yaml, open the other page too, or take the role \
                from the page's access.
                """
        ),
        .accessOnCloud: Page(
            cause: """
                'access' says who may call a page, or a web hook with 'auth: bearer'. Any other cloud flow is started \
                by its trigger, not by callers.
                """,
            remedy: """
                Remove it, make the flow a page, or its web hook one with 'auth: bearer'.
                """
        ),
        .flowExtension: Page(
            cause: """
                The file's name ends in .yml. Flow files end in .yaml, so that a flow has one place to look for.
                """,
            remedy: """
                Rename the file.
                """
        ),
        .flowTwice: Page(
            cause: """
                Two files define a flow of the same name.
                """,
            remedy: """
                Rename one of the two flows.
                """
        ),
        .flowUnknown: Page(
            cause: """
                run-flow names a flow that the app does not have.
                """,
            remedy: """
                Take the name from the note. A file with findings of its own may hide its flow.
                """
        ),
        .flowNotCallable: Page(
            cause: """
                The flow is started by an event from outside; there is nothing it could be given instead.
                """,
            remedy: """
                Move what both need into a flow with 'trigger: { manual: true }' and run that from both.
                """
        ),
        .flowCallsItself: Page(
            cause: """
                The flow runs itself and waits for the end, which never comes.
                """,
            remedy: """
                Use 'mode: start', or repeat in another way.
                """
        ),
        .limitBlocks: Page(
            cause: """
                The flow has more blocks than a flow may have (1,000).
                """,
            remedy: """
                Move a part into a flow of its own and call it with run-flow.
                """
        ),
        .triggerMissing: Page(
            cause: """
                A cloud flow says what starts it.
                """,
            remedy: """
                Add 'trigger:' with manual, webhook, payment or refund.
                """
        ),
        .triggerOnPage: Page(
            cause: """
                A page flow is started by pages, not by a trigger.
                """,
            remedy: """
                Remove the trigger, or write 'kind: cloud'.
                """
        ),
        .triggerUnknown: Page(
            cause: """
                There is no such trigger.
                """,
            remedy: """
                Take one of the listed ones.
                """
        ),
        .triggerSeveral: Page(
            cause: """
                A flow has one trigger, so that 'trigger' means one thing in it.
                """,
            remedy: """
                Make a second flow; both can run a third one with run-flow.
                """
        ),
        .triggerManual: Page(
            cause: """
                'manual: false' says nothing.
                """,
            remedy: """
                Write 'manual: true', or remove the trigger.
                """
        ),
        .triggerNotThere: Page(
            cause: """
                'trigger' holds what a web hook or a callback brought. This flow is started without one.
                """,
            remedy: """
                Read 'input' instead.
                """
        ),
        .webhookAuth: Page(
            cause: """
                A web hook does not say how its senders prove who they are. Leaving it out is a mistake more \
                often than a decision.
                """,
            remedy: """
                Write 'auth:' with stripe (Stripe-Signature), hmac (X-Hub-Signature-256: sha256=…, as GitHub signs), \
                standard-webhooks (webhook-signature) or bearer (a token of the runtime); or 'none' if anybody may \
                start the flow. The secret that the first three sign with is hooks.<flow>.secret.
                """
        ),
        .webhookMethod: Page(
            cause: """
                What these senders sign is the body. A GET has none, so that the signature of one delivery would let in \
                any other, whatever its query says.
                """,
            remedy: """
                Write 'method: POST', or let the senders of GETs prove who they are with 'auth: bearer'.
                """
        ),
        .inputWithTrigger: Page(
            cause: """
                The flow declares inputs, but its trigger gives none.
                """,
            remedy: """
                Read 'trigger' instead, or make the flow manual.
                """
        ),
        .inputUnknown: Page(
            cause: """
                The flow that is run takes no input of that name.
                """,
            remedy: """
                Take the name from the note.
                """
        ),
        .inputMissing: Page(
            cause: """
                An input that the flow needs is not given.
                """,
            remedy: """
                Give it, or declare it optional or with a default.
                """
        ),
        .outputUnknown: Page(
            cause: """
                'respond' gives an output that the flow does not declare. Pages show declared outputs alone.
                """,
            remedy: """
                Declare it under 'output', or take the name from the note.
                """
        ),
        .blockUnknown: Page(
            cause: """
                There is no block of that name.
                """,
            remedy: """
                Take the name from the note.
                """
        ),
        .blockUnreachable: Page(
            cause: """
                No way leads to the block: what stands before it always fails, ends or jumps elsewhere.
                """,
            remedy: """
                Remove it, or move it before the block that ends the flow.
                """
        ),
        .idTwice: Page(
            cause: """
                Two blocks have the same id, so blocks.<id> would mean two things.
                """,
            remedy: """
                Rename one of them; ids are unique in a flow, nested lists included.
                """
        ),
        .idMissing: Page(
            cause: """
                A block that changes something outside has no id. Its id is how a run records that it was done, \
                so that it is never done twice.
                """,
            remedy: """
                Give it an id, such as id: markPaid.
                """
        ),
        .nextUnknown: Page(
            cause: """
                'next' names a block that does not exist.
                """,
            remedy: """
                Take the name from the note, or write 'end'.
                """
        ),
        .nextElsewhere: Page(
            cause: """
                'next' names a block inside another block's list. Jumps lead to blocks of the same list or of a \
                list around it.
                """,
            remedy: """
                Jump to the block that holds it.
                """
        ),
        .nextLeavesTransaction: Page(
            cause: """
                'next' leads out of a transaction, which would neither be finished nor undone.
                """,
            remedy: """
                Let the transaction end, or use 'fail' to undo it; jump behind it.
                """
        ),
        .nextLeavesBlock: Page(
            cause: """
                'next' leads out of a block that is not over: a loop with turns to come, or a 'try' \
                whose 'finally' would not run.
                """,
            remedy: """
                Let the list end; set a variable in it and branch on that behind the block.
                """
        ),
        .loopName: Page(
            cause: """
                The name that 'as' gives the current item is taken: by what every expression sees ('input', 'blocks', \
                'index' …), or by a loop around this one.
                """,
            remedy: """
                Choose another name.
                """
        ),
        .nextWithWhen: Page(
            cause: """
                A block has 'when' and 'next': whether a skipped block jumps too is not clear to a reader.
                """,
            remedy: """
                Put the block with its 'next' into a conditional-branch.
                """
        ),
        .branchEmpty: Page(
            cause: """
                A conditional-branch has no branches.
                """,
            remedy: """
                Add a branch with 'when' and 'do'.
                """
        ),
        .branchElse: Page(
            cause: """
                'else' is the last branch, stands alone ('- else:' with 'do' below it), and does not go with \
                'when' or with mode: all.
                """,
            remedy: """
                Move it to the end, or give the branch a 'when'.
                """
        ),
        .connectionUnknown: Page(
            cause: """
                The connection is not declared in app.yaml.
                """,
            remedy: """
                Declare it under 'connections', or take the name from the note.
                """
        ),
        .commandUnknown: Page(
            cause: """
                The connection's service has no such command.
                """,
            remedy: """
                Take the name from the note.
                """
        ),
        .commandNeedsPayments: Page(
            cause: """
                The command works on orders and payments, and payments are not switched on in this app.
                """,
            remedy: """
                Run 'runnel payments activate', or write 'payments:' in app.yaml.
                """
        ),
        .commandData: Page(
            cause: """
                The command would refuse this data in every run: an operation that does not exist or that another \
                command does safely, an id that its path needs, a parameter that it cannot do without.
                """,
            remedy: """
                Follow the message: take the name it offers, or give what it asks for.
                """
        ),
        .parameterUnknown: Page(
            cause: """
                The command takes no such parameter; it would have no effect.
                """,
            remedy: """
                Take the name from the note.
                """
        ),
        .parameterMissing: Page(
            cause: """
                A parameter that the command needs is not given.
                """,
            remedy: """
                Add it under 'data'.
                """
        ),
        .callbackHandlerPlace: Page(
            cause: """
                'callback-handler' says what a payment callback is about. This flow is not started by one.
                """,
            remedy: """
                Use it in flows behind 'payment: completed' or 'refund: completed' alone.
                """
        ),
        .callbackHandlerTwice: Page(
            cause: """
                'callback-handler' claims the callback for this run; it can be claimed once.
                """,
            remedy: """
                Use the first block's output again.
                """
        ),
        .callbackHandlerMissing: Page(
            cause: """
                The flow is started by a callback but never asks 'callback-handler', so nothing tells a first \
                delivery from a repeated one.
                """,
            remedy: """
                Begin the flow with the block callback-handler.
                """
        ),
        .callbackUnguarded: Page(
            cause: """
                The flow changes something when a payment or refund comes in, but never asks whether this \
                callback was processed before. When it is sent again, the change is made again.
                """,
            remedy: """
                Put the change behind '!blocks.handler.callbackProcessed'.
                """
        ),
        .tableUnknown: Page(
            cause: """
                There is no table of that name.
                """,
            remedy: """
                Declare it in app.yaml, or take the name from the note. The tables of payments are there when \
                'payments' is.
                """
        ),
        .tableSystem: Page(
            cause: """
                System tables say what happened with real money. Runnel alone writes them.
                """,
            remedy: """
                Keep what the app wants to remember in a table of its own.
                """
        ),
        .columnUnknown: Page(
            cause: """
                The table has no column of that name.
                """,
            remedy: """
                Take the name from the note, or declare the column in app.yaml.
                """
        ),
        .setEmpty: Page(
            cause: """
                'set' names no column, so nothing would change.
                """,
            remedy: """
                Name the columns to change.
                """
        ),
        .setMissing: Page(
            cause: """
                A new row needs a value for each column that has no default and is not optional.
                """,
            remedy: """
                Give the value, or make the column optional or give it a default in app.yaml.
                """
        ),
        .upsertColumn: Page(
            cause: """
                'upsert-record' finds the row that may be there by the value of one unique column. The column named \
                under 'on' is not unique, or 'set' gives no value for it.
                """,
            remedy: """
                Name a column that app.yaml declares with 'unique: true', and give its value in 'set'.
                """
        ),
        .whereMissing: Page(
            cause: """
                An update or delete says which rows it means. Without 'where' it would be all of them.
                """,
            remedy: """
                Add 'where' with at least one column.
                """
        ),
        .whereNull: Page(
            cause: """
                A null equals nothing in a database, so the comparison would find no row.
                """,
            remedy: """
                Write { isNull: true }.
                """
        ),
        .whereOperator: Page(
            cause: """
                'where' knows equals, not, gt, gte, lt, lte, in, isNull and startsWith; and not each of them \
                fits each type.
                """,
            remedy: """
                Take one of them that fits the column's type.
                """
        ),
        .recordArithmetic: Page(
            cause: """
                'record' is the row inside the database. Its columns can be added, subtracted and multiplied \
                there; nothing else is possible.
                """,
            remedy: """
                Read the row with find-record, compute, and write the result; or keep to +, - and *.
                """
        ),
        .transactionBlock: Page(
            cause: """
                A transaction keeps the database waiting, so it holds nothing that could take long.
                """,
            remedy: """
                Move the block before or behind the transaction.
                """
        ),
        .respondNobody: Page(
            cause: """
                The flow is started by a callback, a schedule or a table, or by a web hook that is answered at once: the \
                sender has their answer already. Or another 'respond' has answered on every way to this one.
                """,
            remedy: """
                Remove the block, or have the web hook wait for it with 'answer: when-finished' in the trigger.
                """
        ),
        .respondShape: Page(
            cause: """
                A web hook is answered with status, headers and body; a page with its output. With 'answer: chunked' the \
                status 200 and the headers have left before the flow runs.
                """,
            remedy: """
                Use the keys of the flow's kind; with a status or headers of its own, a web hook's 'answer: when-finished'.
                """
        ),
        .errorOutsideFail: Page(
            cause: """
                'error' is the failure that a 'fail' list handles. Elsewhere there is none.
                """,
            remedy: """
                Use it inside 'fail', or keep what is needed with set-variables there.
                """
        ),
        .expressionWrapped: Page(
            cause: """
                'when' and its like take an expression as it is. '${ … }' is for values.
                """,
            remedy: """
                Remove '${' and '}'.
                """
        ),
        .pagePaymentState: Page(
            cause: """
                A page flow changes an enum column of the order table. Anyone can call a page and claim to have \
                paid; only Stripe's callback proves it.
                """,
            remedy: """
                Change the state in the payment callback. For states that have nothing to do with money the \
                warning can stay.
                """
        ),
    ]
}
