extension BrokenApp {
    /// A cloud flow with a broken trigger.
    private static func trigger(_ name: String, _ trigger: String, _ expected: ExpectedFinding...) -> BrokenApp {
        BrokenApp(name: name, flow: "flow: test\nkind: cloud\n\(trigger)\nblocks: []\n", expected: expected)
    }

    /// Clocks, tables and events that start nothing.
    static let triggers: [BrokenApp] = [
        flow(
            "a flow whose runs can wait for each other's place forever",
            """
            flow: test
            kind: cloud
            trigger: { manual: true }
            input: { id: { type: int } }
            concurrency: { key: input.id, limit: 1 }
            blocks:
              - id: again
                block: 1️⃣run-flow
                flow: 2️⃣test
                mode: wait
                input: { id: '${ input.id + 1 }' }
            """,
            ExpectedFinding("1️⃣", "flow.concurrency.cycle", saying: "with different keys"),
            ExpectedFinding("2️⃣", "flow.calls-itself")
        ),
        flow(
            "an answer to a sender who has had one",
            """
            flow: test
            kind: cloud
            trigger: { webhook: { method: POST, auth: none, answer: at-once } }
            blocks:
              - block: 1️⃣respond
                body: hello
              - block: 2️⃣respond
                body: again
            """,
            ExpectedFinding("1️⃣", "flow.respond.nobody", saying: "when-finished"),
            ExpectedFinding("2️⃣", "flow.respond.nobody", saying: "when-finished")
        ),
        flow(
            "an answer to what a schedule started",
            """
            flow: test
            kind: cloud
            trigger: { schedule: { every: 1h } }
            blocks:
              - block: 1️⃣respond
            """,
            ExpectedFinding("1️⃣", "flow.respond.nobody")
        ),
        flow(
            "headers and a status behind the head of an answer",
            """
            flow: test
            kind: cloud
            trigger: { webhook: { method: POST, auth: none, answer: chunked } }
            blocks:
              - block: respond
                status: 1️⃣201
                headers: { 2️⃣x-seen: 'yes' }
            """,
            ExpectedFinding("1️⃣", "flow.respond.shape", saying: "too late"),
            ExpectedFinding("2️⃣", "flow.respond.shape", saying: "too late")
        ),
        trigger(
            "a schedule that says no time",
            "trigger: { 1️⃣schedule: { missed: once } }",
            ExpectedFinding("1️⃣", "flow.schedule.rhythm", saying: "'cron' or 'every'")
        ),
        trigger(
            "a schedule with two rhythms",
            "trigger: { schedule: { cron: '0 * * * *', every: 1️⃣1h } }",
            ExpectedFinding("1️⃣", "flow.schedule.rhythm")
        ),
        trigger(
            "an interval in a time zone",
            "trigger: { schedule: { every: 1h, timezone: 1️⃣Europe/Berlin } }",
            ExpectedFinding("1️⃣", "flow.schedule.rhythm", saying: "any time zone")
        ),
        trigger(
            "cron with a minute that is none",
            "trigger: { schedule: { cron: 1️⃣'61 * * * *' } }",
            ExpectedFinding("1️⃣", "flow.schedule.cron", saying: "minute '61'")
        ),
        trigger(
            "cron with six fields",
            "trigger: { schedule: { cron: 1️⃣'0 0 12 * * *' } }",
            ExpectedFinding("1️⃣", "flow.schedule.cron", saying: "five fields")
        ),
        trigger(
            "a day that never comes",
            "trigger: { schedule: { cron: 1️⃣'0 0 30 2 *' } }",
            ExpectedFinding("1️⃣", "flow.schedule.cron", saying: "never comes")
        ),
        trigger(
            "a time zone that is none",
            "trigger: { schedule: { cron: '0 9 * * *', timezone: 1️⃣Berlin } }",
            ExpectedFinding("1️⃣", "flow.schedule.zone")
        ),
        trigger(
            "an interval of nothing",
            "trigger: { schedule: { every: 1️⃣0s } }",
            ExpectedFinding("1️⃣", "flow.schedule.every")
        ),
        trigger(
            "a policy that is none",
            "trigger: { schedule: { every: 1h, missed: 1️⃣al } }",
            ExpectedFinding("1️⃣", "value.choice", saying: "did you mean 'all'?")
        ),
        trigger(
            "changes of a table that is not there",
            "trigger: { table: { name: 1️⃣oders, on: [insert] } }",
            ExpectedFinding("1️⃣", "flow.table.unknown", saying: "did you mean 'orders'?")
        ),
        trigger(
            "a change that is none",
            "trigger: { table: { name: orders, on: [1️⃣inserts] } }",
            ExpectedFinding("1️⃣", "value.choice", saying: "did you mean 'insert'?")
        ),
        trigger(
            "a kind of change that stands in no list",
            "trigger: { table: { name: orders, on: 1️⃣insert } }",
            ExpectedFinding("1️⃣", "type.list", saying: "such as [insert]")
        ),
        trigger(
            "a condition on the old row of an insert",
            "trigger: { table: { name: orders, on: [insert], when: trigger.1️⃣old.total > 0 } }",
            ExpectedFinding("1️⃣", "expression.unavailable", saying: "not there on insert")
        ),
        trigger(
            "a condition on a column that is not there",
            "trigger: { table: { name: orders, on: [update], when: trigger.new.1️⃣totl > 0 } }",
            ExpectedFinding("1️⃣", "expression.unknown-field", saying: "did you mean 'total'?")
        ),
        flow(
            "a flow that starts itself",
            """
            flow: test
            kind: cloud
            trigger: { table: { name: 1️⃣orders, on: [update] } }
            blocks:
              - id: touch
                block: update-record
                table: orders
                where: { id: '${ trigger.new.id }' }
                set: { status: PAID }
            """,
            ExpectedFinding("1️⃣", "flow.trigger.table-loop")
        ),
        trigger(
            "no type of an event",
            "trigger: { stripe: [charge.dispute.created, 1️⃣disputes] }",
            ExpectedFinding("1️⃣", "flow.trigger.stripe")
        ),
        trigger(
            "a limit of no runs",
            "trigger: { manual: true }\nconcurrency: { limit: 1️⃣0 }",
            ExpectedFinding("1️⃣", "value.range")
        ),
        trigger(
            "a key that only a run that is there has",
            "trigger: { manual: true }\nconcurrency: { key: run.1️⃣id }",
            ExpectedFinding("1️⃣", "expression.unavailable")
        ),
        trigger(
            "a second order for callbacks",
            "trigger: { payment: completed }\nconcurrency: { key: 1️⃣trigger.event.id }",
            ExpectedFinding("1️⃣", "flow.concurrency.place")
        ),
        trigger(
            "a priority beyond the scale",
            "trigger: { manual: true }\npriority: 1️⃣1000",
            ExpectedFinding("1️⃣", "value.range")
        ),
    ]
}
