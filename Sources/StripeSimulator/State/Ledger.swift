/// Everything Stripe holds for one account in one mode.
///
/// The resources are extensions of it.
struct Ledger: Sendable, Equatable {
    let accountID: String
    let livemode: Bool
    /// The version events are written in.
    let accountVersion: APIVersion
    var generator: SeededGenerator
    /// The time of the request or task being carried out.
    var now: SimulatorInstant
    /// The time of the simulator's clock, also while a test clock is played.
    var platformNow: SimulatorInstant { playing == nil ? now : outerNow }
    private var outerNow = SimulatorInstant(milliseconds: 0)
    /// Where the simulator's own pages are reached: `http://127.0.0.1:12111`.
    var baseURL = "http://127.0.0.1:12111"

    var objects: [ObjectKind: ObjectTable] = [:]
    var idempotency = IdempotencyStore()
    /// What is to happen by itself: under "" on the simulator's clock, else on a test clock.
    var schedules: [String: Schedule] = [:]
    var deliveries = DeliveryQueue()
    /// The request being carried out, for the events it causes; nil while Stripe acts by itself.
    var cause: (id: String, idempotencyKey: String?)?
    /// The test clock whose time is being played, for the objects made meanwhile.
    var playing: String?

    init(
        accountID: String,
        livemode: Bool,
        accountVersion: APIVersion,
        generator: SeededGenerator,
        now: SimulatorInstant
    ) {
        self.accountID = accountID
        self.livemode = livemode
        self.accountVersion = accountVersion
        self.generator = generator
        self.now = now
    }

    static func == (left: Ledger, right: Ledger) -> Bool {
        left.accountID == right.accountID && left.livemode == right.livemode && left.generator == right.generator
            && left.now == right.now && left.objects == right.objects && left.idempotency == right.idempotency
            && left.schedules == right.schedules && left.deliveries == right.deliveries
    }

    // MARK: Objects

    /// Keeps a new object.
    mutating func insert(_ kind: ObjectKind, _ object: JSONObject) {
        objects[kind, default: ObjectTable()][object.id] = object
    }

    mutating func update(_ kind: ObjectKind, _ id: String, _ change: (inout JSONObject) -> Void) {
        objects[kind, default: ObjectTable()].update(id, change)
    }

    func find(_ kind: ObjectKind, _ id: String) -> JSONObject? { objects[kind]?[id] }

    /// The object a path names.
    ///
    /// Throws: 404 with the text Stripe uses for its kind.
    func require(_ kind: ObjectKind, _ id: String) throws(StripeError) -> JSONObject {
        if let object = find(kind, id) { return object }
        var error = StripeError.missingObject(kind.missing.name, id, param: kind.missing.param)
        if kind == .paymentMethod {
            error.message +=
                "; It's possible this PaymentMethod exists on one of your connected accounts, in which case you should "
                + "retry this request on that connected account. Learn more at "
                + "https://stripe.com/docs/connect/authentication"
        }
        throw error
    }

    /// The object a parameter names.
    ///
    /// Throws: 400 `resource_missing` that blames the parameter.
    func require(_ kind: ObjectKind, _ id: String, param: String) throws(StripeError) -> JSONObject {
        if let object = find(kind, id) { return object }
        var error = StripeError.missingObject(kind.missing.name, id, param: param)
        error.status = 400
        throw error
    }

    func all(_ kind: ObjectKind) -> [JSONObject] { objects[kind].map { Array($0.oldestFirst) } ?? [] }

    // MARK: Ids

    mutating func newID(_ kind: ObjectKind) -> String {
        var (prefix, length) = kind.identifier
        if kind == .checkoutSession { prefix += livemode ? "live_" : "test_" }
        let room = length - prefix.utf8.count
        let time = platformNow.idCode
        // A coupon's id is typed by people: too short for the time.
        let stem = room >= 23 ? time + accountTail : room >= 14 ? time : ""
        return prefix + stem + generator.characters(room - stem.utf8.count)
    }

    /// An id that shares its middle with a payment intent's, as those of its charges and refunds do.
    mutating func newID(_ kind: ObjectKind, beside intent: String) -> String {
        let (prefix, length) = kind.identifier
        let stem = intent.split(separator: "_").last?.dropFirst().prefix(15) ?? ""
        return prefix + stem + generator.characters(length - prefix.utf8.count - stem.utf8.count)
    }

    private var accountTail: String { String(accountID.suffix(10)) }

    mutating func newSecret(for id: String) -> String { "\(id)_secret_\(generator.characters(25))" }

    // MARK: All or nothing

    /// Does something wholly, or not at all when it throws; ids that were used up meanwhile do not come again.
    mutating func wholly<Result>(_ body: (inout Ledger) throws(StripeError) -> Result) throws(StripeError) -> Result {
        let kept = self
        do throws(StripeError) {
            return try body(&self)
        } catch {
            let used = generator
            self = kept
            generator = used
            throw error
        }
    }

    // MARK: Later

    /// Plans something on the clock that is being played: the simulator's, or a customer's test clock.
    mutating func schedule(_ action: ScheduledTask.Action, _ id: String, at due: SimulatorInstant) {
        schedules[playing ?? "", default: Schedule()].add(ScheduledTask(action: action, id: id), at: due)
    }

    /// Plans something on the simulator's clock: banks and balances know no test clock.
    mutating func scheduleOnPlatform(_ action: ScheduledTask.Action, _ id: String, afterSeconds seconds: Int64) {
        let due = platformNow.adding(seconds: seconds)
        schedules["", default: Schedule()].add(ScheduledTask(action: action, id: id), at: due)
    }

    /// Carries something out at the time of a customer's test clock, if it has one.
    mutating func onClock<Result>(
        of customer: String?,
        _ body: (inout Ledger) throws(StripeError) -> Result
    ) throws(StripeError) -> Result {
        guard playing == nil, let id = customer.flatMap({ find(.customer, $0) })?.string("test_clock"),
            let time = find(.testClock, id)?.int("frozen_time")
        else { return try body(&self) }
        let outer = now
        outerNow = now
        now = SimulatorInstant(seconds: time)
        playing = id
        defer {
            now = outer
            playing = nil
        }
        return try body(&self)
    }

    /// Does what is due on the simulator's clock by a moment, in order, each at its own time.
    mutating func runDue(by moment: SimulatorInstant) {
        runDue(by: moment, clock: "")
        now = moment
        idempotency.forgetExpired(at: moment)
    }

    /// A bound on what one advance may do, against schedules that feed themselves for ever.
    private static let maximumTasks = 200_000

    mutating func runDue(by moment: SimulatorInstant, clock: String) {
        let outer = (now, playing, cause.map(\.id), cause?.idempotencyKey)
        outerNow = platformNow
        playing = clock.isEmpty ? nil : clock
        cause = nil
        for _ in 0..<Self.maximumTasks {
            guard let entry = schedules[clock]?.takeDue(by: moment) else { break }
            now = clock.isEmpty ? max(now, entry.due) : entry.due
            perform(entry.task)
        }
        now = outer.0
        playing = outer.1
        cause = outer.2.map { ($0, outer.3) }
    }
}
