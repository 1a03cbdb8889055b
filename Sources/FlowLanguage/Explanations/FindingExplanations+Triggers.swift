extension FindingExplanations {
    static let triggers: [FindingCode: Page] = [
        .scheduleRhythm: Page(
            cause: """
                A schedule fires at times of the wall clock ('cron', in a 'timezone') or at intervals ('every'), \
                and this one says neither, or both.
                """,
            remedy: """
                Write { cron: '30 6 * * 1-5', timezone: Europe/Berlin } or { every: 15m }.
                """
        ),
        .scheduleCron: Page(
            cause: """
                'cron' is not five fields of crontab (minute, hour, day of month, month, day of week), or names a day \
                that never comes, such as 30 February.
                """,
            remedy: """
                Write numbers, ranges (1-5), lists (1,15), steps (*/15) or names (mon, jan). @daily and its like stand \
                for the usual ones.
                """
        ),
        .scheduleZone: Page(
            cause: """
                The zone is not in the IANA list. Abbreviations such as CET say nothing about summer time.
                """,
            remedy: """
                Name a place: Europe/Berlin, America/New_York. Without a zone it is UTC.
                """
        ),
        .scheduleEvery: Page(
            cause: """
                'every' is not a span of whole seconds between one second and 366 days.
                """,
            remedy: """
                Write 30s, 15m, 24h or 1h30m. Days and months are a matter for 'cron'.
                """
        ),
        .tableTriggerLoop: Page(
            cause: """
                The flow makes the very change of the very table that starts it, so each run starts the next one. \
                The engine lets a chain of changes start 16 runs in each other; the block that would start the next \
                one fails.
                """,
            remedy: """
                Give the trigger a 'when' that its own change does not meet, such as \
                trigger.old.status != trigger.new.status.
                """
        ),
        .stripeEvents: Page(
            cause: """
                'stripe' lists the types of events that start the flow, and there must be a connection of the \
                service 'stripe' to verify them.
                """,
            remedy: """
                Write the types as Stripe does: [charge.dispute.created, payout.failed]. For payments and refunds \
                take 'payment: completed' and its like, which see each change once and in order.
                """
        ),
        .concurrencyPlace: Page(
            cause: """
                Callbacks of payments go one at a time for each payment already, in the order of their events; \
                a second order would contradict the first.
                """,
            remedy: """
                Remove 'concurrency', or do the work in a flow of its own with run-flow.
                """
        ),
        .concurrencyCycle: Page(
            cause: """
                A run keeps its place of its flow's 'concurrency' while it waits for a sub-flow. These flows call each \
                other in a circle, so one run can hold the place that another waits for and wait for the place that \
                the other holds: neither ever ends.
                """,
            remedy: """
                Give the run-flow block a 'timeout', start the sub-flow with 'mode: start', or take 'concurrency' from \
                one of the flows.
                """
        ),
    ]
}
