/// The whole simulator as a value: a request and a time go in, an answer comes out.
///
/// It does no I/O, reads no clock and draws no chance but from its seed: the same seed and the same calls at the same
/// times give the same state, byte for byte.
///
/// On a real clock the ids also follow from the moment at which it began and from the number of resets, so that
/// whoever remembers ids, as receivers of web hooks do, meets none of an earlier run again.
struct SimulatorState: Sendable, Equatable {
    struct LedgerKey: Sendable, Hashable {
        let livemode: Bool
        /// A connected account named by `Stripe-Account`; nil is the platform's own.
        let account: String?
    }

    var settings: SimulatorSettings
    var clock: VirtualClock
    /// What happens by chance: which requests and web hooks meet a fault.
    var generator: SeededGenerator
    /// The ids of requests, and where the ledgers' own begin.
    var identifiers: SeededGenerator
    var ledgers: [LedgerKey: Ledger] = [:]
    var faults = FaultRules()
    private var resets: UInt64 = 0
    /// Whether what is there from the start was set up.
    var hasBegun = false

    init(settings: SimulatorSettings) {
        self.settings = settings
        clock = VirtualClock(start: settings.clockStart, runs: settings.clockRuns)
        generator = SeededGenerator(seed: settings.seed)
        identifiers = SeededGenerator(seed: settings.seed &+ 1)
        if !clock.runs { begin() }
    }

    /// Sets up what is there from the start, once the time is known.
    private mutating func begin() {
        guard !hasBegun else { return }
        hasBegun = true
        tellApart(at: clock.sendingTime)
        let key = LedgerKey(livemode: false, account: nil)
        guard !settings.endpoints.isEmpty else { return }
        var ledger = newLedger(key)
        for endpoint in settings.endpoints { ledger.startEndpoint(endpoint.url, endpoint.secret, endpoint.events) }
        ledgers[key] = ledger
    }

    /// Gives this run ids of its own, where the clock is real.
    private mutating func tellApart(at real: SimulatorInstant) {
        guard clock.runs else { return }
        let run = UInt64(bitPattern: real.milliseconds) &+ resets << 48
        identifiers.stir(run)
        for key in keysInOrder { ledgers[key]?.generator.stir(run) }
    }

    /// Forgets everything and starts again from the settings; the clock goes on.
    mutating func reset() {
        let (kept, count) = (clock, resets + 1)
        self = SimulatorState(settings: settings)
        clock = kept
        resets = count
        begin()
        for key in keysInOrder { ledgers[key]?.now = kept.now }
    }

    /// Goes on as an imported state does; on a real clock with ids of its own, for it may be imported again.
    mutating func take(_ imported: SimulatorState) {
        let (real, count) = (clock.sendingTime, resets + 1)
        self = imported
        resets = count
        tellApart(at: real)
    }

    // MARK: Time

    /// Takes notice of real time and does what has become due.
    mutating func observe(_ real: SimulatorInstant) {
        clock.observe(real)
        settle()
    }

    /// Moves the clock forward; everything due until then happens in order, each at its own time.
    mutating func advance(to target: SimulatorInstant) {
        clock.advance(to: target)
        settle()
    }

    /// Does what is due at the clock's present time.
    mutating func settle() {
        begin()
        let now = clock.now
        for key in keysInOrder { ledgers[key]?.runDue(by: now) }
    }

    // MARK: Requests

    /// Carries out one request at the clock's present time.
    mutating func handle(_ request: SimulatorRequest) -> SimulatorResponse {
        settle()
        if request.path.hasPrefix("/_simulator") { return control(request) }
        if let page = page(request) { return page }
        let fault = faults.take(for: request, generator: &generator)
        if let fault, fault.action == .tearBefore { return SimulatorResponse(status: 503, isTorn: true) }
        if let fault, let answer = fault.answer(requestID: newRequestID()) { return answer }
        var response = carryOut(request, delay: fault?.delayMilliseconds ?? 0)
        response.delayMilliseconds = fault?.delayMilliseconds ?? 0
        response.isTorn = fault?.action == .tearAfter
        return response
    }

    private mutating func newRequestID() -> String { "req_" + clock.now.idCode + identifiers.characters(9) }

    private mutating func newLedger(_ key: LedgerKey) -> Ledger {
        var ledger = Ledger(
            accountID: key.account ?? settings.accountID,
            livemode: key.livemode,
            accountVersion: settings.accountVersion,
            generator: SeededGenerator(seed: identifiers.next()),
            now: clock.now
        )
        ledger.baseURL = settings.baseURL
        return ledger
    }

    mutating func carryOut(_ request: SimulatorRequest, delay: Int64) -> SimulatorResponse {
        var envelope = Envelope(method: request.method, account: request.header("stripe-account"))
        do throws(StripeError) {
            let form = try Self.form(of: request)
            let key = try APIKey.find(
                authorization: request.header("authorization"),
                formKey: form.first { $0.key == "key" }.flatMap {
                    if case .text(let text) = $0.value { text } else { nil }
                }
            )
            envelope.requestID = newRequestID()
            envelope.version = try version(of: request)
            let ledgerKey = LedgerKey(livemode: key.livemode, account: request.header("stripe-account"))
            if let account = ledgerKey.account, !account.hasPrefix("acct_") || account.utf8.count > 64 {
                throw StripeError(
                    status: 403,
                    "The provided key does not have access to account '\(account.prefix(64))'."
                )
            }
            var ledger = ledgers[ledgerKey] ?? newLedger(ledgerKey)
            ledgers[ledgerKey] = nil  // held once, so that it changes in place
            defer { ledgers[ledgerKey] = ledger }
            ledger.now = clock.now
            try Self.idempotent(request, form, key, delay, &ledger, &envelope)
        } catch {
            envelope.fail(error, accountID: settings.accountID)
        }
        return envelope.response()
    }

    /// Runs a request under its idempotency key: answers from the store, or keeps what it gave.
    private static func idempotent(
        _ request: SimulatorRequest,
        _ form: [(key: String, value: FormValue)],
        _ key: APIKey,
        _ delay: Int64,
        _ ledger: inout Ledger,
        _ envelope: inout Envelope
    ) throws(StripeError) {
        var keyText = request.header("idempotency-key")
        if request.method == "POST", keyText?.isEmpty ?? true { keyText = nil }
        if let keyText, keyText.count > IdempotencyStore.maximumKeyLength {
            throw StripeError("Idempotency keys can be at most \(IdempotencyStore.maximumKeyLength) characters.")
        }
        envelope.idempotencyKey = keyText
        guard request.method == "POST" else {
            _ = try run(request, form, key, &ledger, &envelope)
            return
        }
        let fingerprint = "\(request.path)\n\(Self.canonical(form))"
        if let keyText,
            let record = try ledger.idempotency.answer(to: keyText, fingerprint: fingerprint, at: ledger.now)
        {
            envelope.replay(record)
            return
        }
        if keyText == nil { envelope.idempotencyKey = ledger.newIdempotencyKey() }
        var keeps = false
        do throws(StripeError) {
            keeps = try run(request, form, key, &ledger, &envelope)
        } catch {
            envelope.fail(error, accountID: ledger.accountID)
            keeps = error.executed
        }
        envelope.shouldRetry = keeps ? envelope.shouldRetry ?? false : envelope.shouldRetry
        guard keeps, let keyText else { return }
        ledger.idempotency.keep(
            .init(
                fingerprint: fingerprint,
                status: envelope.status,
                body: envelope.body,
                requestID: envelope.requestID ?? "",
                shouldRetry: envelope.shouldRetry,
                expires: ledger.now.adding(seconds: IdempotencyStore.lifetimeSeconds),
                completes: ledger.now.adding(milliseconds: delay)
            ),
            under: keyText
        )
    }

    /// Finds the operation, checks the parameters, and runs it.
    ///
    /// Answers true: the endpoint ran.
    private static func run(
        _ request: SimulatorRequest,
        _ form: [(key: String, value: FormValue)],
        _ key: APIKey,
        _ ledger: inout Ledger,
        _ envelope: inout Envelope
    ) throws(StripeError) -> Bool {
        let path = try segments(of: request.path)
        let isFirst = path.first == "v1" && path.dropFirst().first != "v2"
        guard isFirst || path.first == "v2",
            let (route, ids) = RouteTable.all.find(request.method, isFirst ? Array(path.dropFirst()) : path)
        else {
            throw StripeError.unknownRoute(request.method, String(request.path.prefix(200)))
        }
        guard key.kind != .publishable || route.access == .browser else {
            throw StripeError(
                status: 403,
                code: "secret_key_required",
                "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a "
                    + "list of your API keys at https://dashboard.stripe.com/account/apikeys."
            )
        }
        let call = Call(
            path: request.path,
            ids: ids,
            parameters: try route.parameters.check(form),
            key: key,
            version: envelope.version ?? ledger.accountVersion,
            requestID: envelope.requestID ?? "",
            idempotencyKey: envelope.idempotencyKey,
            isVersioned: request.header("stripe-version")?.isEmpty == false
        )
        ledger.cause = (call.requestID, request.header("idempotency-key"))
        defer { ledger.cause = nil }
        if request.method == "POST" { try ledger.checkMetadata(call) }
        let answer = try route.handler(&ledger, call)
        envelope.body = try ledger.present(answer, for: call)
        return true
    }

    private func version(of request: SimulatorRequest) throws(StripeError) -> APIVersion {
        guard let text = request.header("stripe-version"), !text.isEmpty else { return settings.accountVersion }
        guard let version = APIVersion(text), APIVersions.isKnown(version) || version == settings.accountVersion else {
            throw StripeError("Invalid Stripe API version: \(text.prefix(60))")
        }
        return version
    }

    private static func segments(of path: String) throws(StripeError) -> [String] {
        var result: [String] = []
        for part in path.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 8) {
            result.append(try FormDecoder.unescape(part))
        }
        return result
    }

    /// Parameters come in the query of GET and DELETE and in the body of POST (facts §3).
    private static func form(
        of request: SimulatorRequest
    ) throws(StripeError) -> [(key: String, value: FormValue)] {
        guard request.method == "POST" else { return try FormDecoder.decode(request.query) }
        if request.path.hasPrefix("/v2/") { return try FormDecoder.decodeJSON(request.body) }
        let type = request.header("content-type")?.lowercased() ?? ""
        guard request.body.isEmpty || type.isEmpty || type.hasPrefix("application/x-www-form-urlencoded") else {
            throw StripeError(
                "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have "
                    + "any questions, we can help at https://support.stripe.com/."
            )
        }
        guard !request.query.isEmpty else { return try FormDecoder.decode(request.body) }
        return try FormDecoder.decode(request.query + [UInt8(ascii: "&")] + request.body)
    }

    private static func canonical(_ form: [(key: String, value: FormValue)]) -> String {
        let parts = form.map { key, value in
            switch value {
            case .text(let text): "\(key.utf8.count):\(key)=\(text.utf8.count):\(text)"
            case .hash(let inner): "\(key.utf8.count):\(key)={\(canonical(inner))}"
            }
        }
        return parts.sorted().joined(separator: "&")
    }
}

extension Ledger {
    fileprivate mutating func newIdempotencyKey() -> String {
        let text = [8, 4, 4, 4, 12].map { length in
            String(generator.characters(length).lowercased().map { $0.isHexDigit ? $0 : "0" })
        }
        return text.joined(separator: "-")
    }
}
