import Connections
import Expressions
import FlowEngine
import FlowLanguage
import StripeSimulator

/// Plays one case: does its steps one by one, and between them whatever the world does in answer.
///
/// Everything happens one thing at a time, each after the engine has come to rest, so the same case takes the same way
/// every time.
final class CaseRun {
    let test: TestCase
    let app: App
    let world: TestWorld
    let plan: PlannedTrouble
    let files: CaseFiles
    var mailbox: Mailbox
    var scope = CaseScope()
    var results = ValueMap()
    var problems: [CaseProblem] = []
    /// Whether a step went otherwise than it expects: the story took another course.
    var hasLeftItsCourse = false
    /// The number of the first write that a step makes.
    private(set) var firstWrite = 0
    /// Answers that come after everything else, by the numbers of their requests.
    private var kept: [Int: TransportResult] = [:]
    private var jumps = 0

    /// Moments to which the clock is moved in one case.
    private static let jumpsMax = 10_000
    private static let rowsMax = 10_000
    private static let moments = Duration.seconds(60)

    init(_ test: TestCase, in world: TestWorld, files: CaseFiles, plan: PlannedTrouble) {
        self.test = test
        self.app = world.app
        self.world = world
        self.files = files
        self.plan = plan
        mailbox = Mailbox(plan)
    }

    /// Plays the case to its end.
    ///
    /// - Throws: `CaseFault` when what is given cannot be; `CaseError`; what the store throws.
    func play() async throws -> CaseRecord {
        try await settle()
        firstWrite = world.store.writes + 1
        for (index, step) in test.steps.enumerated() {
            do {
                try await play(step, number: index + 1)
            } catch let fault as CaseFault {
                // The story ends here; what it has set going goes on.
                note(fault, afterStep: index)
                break
            }
        }
        try await settle(isLast: true)
        try await checkInvariants(after: nil)
        return try await record()
    }

    private func play(_ step: CaseStep, number: Int) async throws {
        var result = try await perform(step, number: number)
        try await settle()
        if let run = result.run { result.take(try await recorded(run)) }
        if let id = step.id { results[id] = result.value }
        try await check(step, result)
    }

    private func note(_ fault: CaseFault, afterStep step: Int) {
        hasLeftItsCourse = true
        problems.append(
            CaseProblem(.fault, test.name, expected: "a case", actual: fault.message, range: fault.range, step: step)
        )
    }

    /// Does `body`, and again after each death that came before its answer, as callers outside do.
    func surviving<Answer>(_ body: () async throws -> Answer) async throws -> Answer {
        while true {
            do {
                return try await body()
            } catch {
                guard world.isDead else { throw error }
                try await restart()
            }
        }
    }

    /// Answers that were kept back for the dead process reach nobody.
    private func restart() async throws {
        kept = [:]
        try await world.restart()
    }

    // MARK: What the world does

    /// Lets everything happen that happens by itself; at the last, also what waits for a time or for the end.
    func settle(isLast: Bool = false) async throws {
        while true {
            await world.quiet()
            if world.isDead {
                try await restart()
                continue
            }
            if try await answerRequest(slow: false) { continue }
            for webhook in world.simulator.takeDueWebhooks() {
                mailbox.post(webhook.type, body: webhook.body, webhook: webhook)
            }
            if try await deliver(mailbox.next(isLast: false)) { continue }
            if try await jump(to: [.retrying]) { continue }
            if try await waitForStripe() { continue }
            guard isLast else { break }
            if try await deliver(mailbox.next(isLast: true)) { continue }
            if try await answerRequest(slow: true) { continue }
            if try await jump(to: [.retrying, .waiting]) { continue }
            break
        }
    }

    /// Carries out the next request; with `slow`, hands out the next answer that was kept back.
    private func answerRequest(slow: Bool) async throws -> Bool {
        let waiting = world.outside.held()
        if slow {
            guard let held = waiting.first(where: { kept[$0.number] != nil }),
                let result = kept.removeValue(forKey: held.number)
            else { return false }
            world.outside.answer(held, result)
            return true
        }
        guard let held = waiting.first(where: { kept[$0.number] == nil }) else { return false }
        let block = world.answers.namesBlocks ? try await surviving { try await sender(of: held.request) } : nil
        let result = try await world.answers.result(
            of: held.request,
            from: block,
            trouble: plan.trouble(ofRequest: held.number),
            evaluate: { try self.scope.evaluate($0) }
        )
        if plan.trouble(ofRequest: held.number) == .slow {
            kept[held.number] = result
        } else {
            world.outside.answer(held, result)
        }
        return true
    }

    /// The block whose request waits: the one whose open entry says what the request says.
    private func sender(of request: OutsideRequest) async throws -> String? {
        try await world.read { (reader) throws(StoreError) -> String? in
            for run in try reader.runs(matching: RunFilter(statuses: [.running], limit: 1_000)) {
                for entry in try reader.entries(of: run.id) where entry.status == .started {
                    guard entry.key == request.key, entry.input["path"]?.stringValue == request.path else { continue }
                    guard entry.input["method"]?.stringValue == request.method else { continue }
                    return "\(run.start.flow)/\(entry.address.path)"
                }
            }
            return nil
        }
    }

    /// Moves the clock to the next moment for which a run in one of these states waits.
    private func jump(to statuses: Set<RunStatus>) async throws -> Bool {
        let waiting = try await surviving {
            try await world.read { (reader) throws(StoreError) in
                try reader.runs(matching: RunFilter(statuses: statuses, limit: 1_000))
            }
        }
        guard let next = waiting.compactMap(\.wakesAt).min(by: { $0 < $1 }) else { return false }
        jumps += 1
        guard jumps <= Self.jumpsMax else {
            throw CaseError("the case does not come to an end: its runs wait on and on")
        }
        // Due already and still not taken up: it waits for something else.
        guard world.clock.now() < next else { return false }
        try await world.advance(to: next)
        return true
    }

    /// What Stripe does by itself within moments, such as linking a payment to its invoice, belongs to what was done.
    private func waitForStripe() async throws -> Bool {
        let now = world.clock.now()
        guard let due = world.simulator.nextDue?.timestamp, now < due, due - now <= Self.moments else { return false }
        jumps += 1
        guard jumps <= Self.jumpsMax else { return false }
        try await world.advance(to: due)
        return true
    }

    /// Lets a span of time pass, stopping wherever something is due.
    func pass(_ span: Duration) async throws {
        guard let target = world.clock.now() + span else { throw CaseError("the clock has run out") }
        // So that every schedule's next moment is on disk: a sleeper may not have fallen asleep yet.
        try await world.advance(to: world.clock.now())
        while true {
            let now = world.clock.now()
            let stored = try await surviving {
                try await world.read { (reader) throws(StoreError) in
                    let schedules = try reader.schedules().compactMap(\.nextAt)
                    return [try reader.nextWakeTime(after: now)].compactMap { $0 } + schedules
                }
            }
            let moments = stored + [world.clock.nextWake, world.simulator.nextDue?.timestamp].compactMap { $0 }
            let next = moments.filter { now < $0 && !(target < $0) }.min { $0 < $1 }
            jumps += 1
            guard let next, jumps <= Self.jumpsMax else { break }
            try await world.advance(to: next)
            try await settle()
        }
        try await world.advance(to: target)
    }

    // MARK: What there is

    func recorded(_ run: RunID) async throws -> CaseRecord.RecordedRun {
        try await surviving {
            try await world.read { (reader) throws(StoreError) in
                guard let record = try reader.run(run) else { throw StoreError(.corrupt, "run \(run) is gone") }
                return CaseRecord.RecordedRun(record: record, entries: try reader.entries(of: run))
            }
        }
    }

    func tables() async throws -> ValueMap {
        let names = app.tables.map(\.name)
        return try await surviving {
            try await world.read { (reader) throws(StoreError) in
                var tables = ValueMap(minimumCapacity: names.count)
                for name in names {
                    let query = RecordQuery(
                        table: name,
                        where: [],
                        order: [FindBlock.Order(column: "id", descending: false)],
                        limit: Self.rowsMax
                    )
                    tables[name] = .list(try reader.find(query).map(Value.map))
                }
                return tables
            }
        }
    }

    func record() async throws -> CaseRecord {
        let runs = try await surviving {
            try await world.read { (reader) throws(StoreError) in
                var runs: [CaseRecord.RecordedRun] = []
                for record in try reader.runs(matching: RunFilter(limit: Self.rowsMax)).reversed() {
                    runs.append(CaseRecord.RecordedRun(record: record, entries: try reader.entries(of: record.id)))
                }
                return runs
            }
        }
        return CaseRecord(
            tables: try await tables(),
            runs: runs,
            requests: .list(world.answers.sent.map(\.value)),
            emails: .list(world.answers.sent.compactMap(\.email)),
            log: world.log.lines.map(\.text)
        )
    }
}
