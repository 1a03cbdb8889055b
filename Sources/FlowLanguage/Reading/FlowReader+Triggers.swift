import Expressions

// Triggers that come from the clock, the tables and Stripe, and how many runs go at once.
extension FlowReader {
    func readSchedule(_ pair: YAMLPair) -> TriggerSource? {
        guard var reader = MappingReader(pair.value, context, what: "a schedule") else { return nil }
        let cron = reader.text("cron")
        let every = reader.text("every")
        let zone = reader.text("timezone")
        let missed = reader.choice("missed", of: ScheduleTrigger.Missed.self)
        reader.finish()
        if let every, cron != nil {
            context.error(.scheduleRhythm, "write 'cron' or 'every'", at: every.range)
            return nil
        }
        if let zone, cron == nil {
            context.warning(.scheduleRhythm, "'every' counts time that passes, in any time zone", at: zone.range)
        }
        let rhythm: ScheduleTrigger.Rhythm?
        if let cron {
            rhythm = readCron(cron, zone: zone)
        } else if let every {
            rhythm = readInterval(every)
        } else {
            context.error(
                .scheduleRhythm,
                "a schedule says when: 'cron' or 'every'",
                at: pair.key.range,
                notes: ["such as { cron: '30 6 * * 1-5', timezone: Europe/Berlin } or { every: 15m }"]
            )
            return nil
        }
        guard let rhythm else { return nil }
        let trigger = ScheduleTrigger(rhythm: rhythm, missed: missed?.value ?? .skip)
        return TriggerSource(trigger: .schedule(trigger), range: pair.key.range)
    }

    private func readCron(_ cron: Located<String>, zone: Located<String>?) -> ScheduleTrigger.Rhythm? {
        var found: ScheduleZone? = .utc
        if let zone {
            found = ScheduleZone(zone.value)
            if found == nil {
                context.error(
                    .scheduleZone,
                    "there is no time zone '\(zone.value)'",
                    at: zone.range,
                    notes: ["zones are named as in the IANA list: Europe/Berlin, America/New_York, UTC"]
                )
            }
        }
        do throws(CronExpression.Problem) {
            let expression = try CronExpression(cron.value)
            guard expression.next(from: 0) != nil else {
                context.error(.scheduleCron, "this never comes: no such day is in any year", at: cron.range)
                return nil
            }
            return found.map { .cron(expression, zone: $0) }
        } catch {
            context.error(.scheduleCron, error.message, at: cron.range)
            return nil
        }
    }

    private func readInterval(_ every: Located<String>) -> ScheduleTrigger.Rhythm? {
        guard let span = DurationText.parse(every.value), let nanoseconds = span.wholeNanoseconds,
            (1_000_000_000...Limits.longestInterval).contains(nanoseconds), nanoseconds % 1_000_000_000 == 0
        else {
            context.error(
                .scheduleEvery,
                "'every' is a span of whole seconds, up to 366d; found '\(every.value)'",
                at: every.range,
                notes: ["such as 30s, 15m, 1h30m or 1d"]
            )
            return nil
        }
        return .every(microseconds: nanoseconds / 1_000)
    }

    func readTableTrigger(_ pair: YAMLPair) -> TriggerSource? {
        guard var reader = MappingReader(pair.value, context, what: "a table trigger") else { return nil }
        let name = reader.requiredText("name")
        let on = reader.required("on")
        let when = reader.value("when")
        reader.finish()
        var changes: Set<TableTrigger.Change> = []
        for word in on.flatMap({ context.texts(of: $0, what: "'on'") }) ?? [] {
            if let change = TableTrigger.Change(rawValue: word.value) {
                changes.insert(change)
                continue
            }
            let names = TableTrigger.Change.allCases.map(\.rawValue)
            context.error(
                .valueChoice,
                "'on' cannot have '\(word.value)'; it has some of \(names.listed)",
                at: word.range,
                notes: context.likely(word.value, among: names)
            )
        }
        if let on, case .sequence(let items) = on.content, items.isEmpty {
            context.error(.valueChoice, "'on' names at least one kind of change", at: on.range)
        }
        guard let name, !changes.isEmpty else { return nil }
        return TriggerSource(
            trigger: .table(TableTrigger(table: name.value, changes: changes)),
            table: name,
            when: when,
            range: pair.key.range
        )
    }

    func readStripe(_ pair: YAMLPair) -> TriggerSource? {
        guard let types = context.texts(of: pair.value, what: "'stripe'") else { return nil }
        if types.isEmpty {
            context.error(.stripeEvents, "'stripe' names at least one type of event", at: pair.value.range)
        }
        for type in types where !Self.isEventType(type.value) {
            context.error(
                .stripeEvents,
                "'\(type.value)' is no type of an event of Stripe",
                at: type.range,
                notes: ["types are written out: charge.dispute.created, payment_intent.succeeded"]
            )
        }
        return TriggerSource(trigger: .stripe(types.map(\.value)), range: pair.key.range)
    }

    /// Lower-case words with dots between them; which there are is Stripe's affair and grows.
    private static func isEventType(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return (2...6).contains(parts.count)
            && parts.allSatisfy { part in
                !part.isEmpty && part.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
            }
    }

    func readConcurrency(_ node: YAMLNode) -> ConcurrencySource? {
        guard var reader = MappingReader(node, context, what: "'concurrency'") else { return nil }
        let key = reader.value("key")
        let limit = reader.int("limit", in: 1...Int64(Limits.concurrentRuns))
        if key == nil, !reader.has("limit") { _ = reader.required("limit") }
        reader.finish()
        return ConcurrencySource(key: key, limit: Int(limit?.value ?? 1))
    }
}
