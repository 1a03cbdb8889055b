import Capsules
import Connections
import Expressions
import FlowEngine
import FlowLanguage
import HTTPTransport
import StripeSimulator

/// A request that left, and what became of it.
struct SentRequest: Sendable, Hashable {
    var connection: String
    var service: String
    var request: OutsideRequest
    /// Of the answer; 0 when none came.
    var status: Int
}

/// Answers requests in a service's place: as the case says, else as the simulator or the service's double does.
struct OutsideAnswers: Sendable {
    private let app: App
    private let simulator: EmbeddedSimulator
    private let stripe: ServiceTransport
    private var given: [GivenAnswer]
    private(set) var sent: [SentRequest] = []
    /// Requests that nobody was there to answer: they did not leave, and the case fails.
    private(set) var refused: [OutsideRequest] = []

    init(
        app: App,
        simulator: EmbeddedSimulator,
        credentials: StripeCredentials,
        explicit: ExplicitCredentials,
        given: [GivenAnswer]
    ) {
        self.app = app
        self.simulator = simulator
        self.given = given
        guard let endpoint = StripeEndpoint(loopback: "http://127.0.0.1:12111") else {
            preconditionFailure("the simulator's place is one of this machine")
        }
        // Through the real service: a wrong key or path is refused here as it would be outside.
        stripe = ServiceTransport(
            connections: app.connections,
            services: ["stripe": StripeService(endpoint: endpoint, credentials: credentials, explicit: explicit)],
            sender: { request throws(HTTPError) in Self.carryOut(request, endpoint.url, simulator) }
        )
    }

    /// Whether a given answer names the block that sends: then somebody has to find out which one it is.
    var namesBlocks: Bool { given.contains { $0.block != nil } }

    /// What the request gets; `trouble` comes first, then what the case gives for it.
    mutating func result(
        of request: OutsideRequest,
        from block: String?,
        trouble: Trouble?,
        evaluate: (CaseValue) throws -> Value
    ) async throws -> TransportResult {
        let isExplicit = request.connection == ExplicitCredentials.connection
        let service = isExplicit ? "stripe" : app.connection(named: request.connection)?.service ?? ""
        let answer = take(for: request, from: block, isRepeated: trouble?.isRepeated ?? false)
        var trouble = trouble
        if trouble == nil, case .trouble(let given)? = answer?.reply { trouble = given }
        let result: TransportResult
        switch trouble {
        case .unreachable: result = .notSent(reason: "no connection (the case says so)", retryable: true)
        case .timeout: result = .lost(reason: "no answer (the case says so)")
        case .error: result = .answered(Self.failure(500, "api_error", "internal", service: service))
        case .decline: result = .answered(Self.failure(402, "card_error", "card_declined", service: service))
        case .lost:
            if case nil = try await usual(request, service, answer, evaluate) { return refuse(request) }
            result = .lost(reason: "the answer is lost (the case says so)")
        case .slow, nil:
            guard let usual = try await usual(request, service, answer, evaluate) else { return refuse(request) }
            result = usual
        }
        var status = 0
        if case .answered(let answer) = result { status = answer.status }
        sent.append(
            SentRequest(connection: request.connection, service: service, request: request, status: status)
        )
        return result
    }

    /// What it gets in a quiet world; nil: nobody is there.
    private func usual(
        _ request: OutsideRequest,
        _ service: String,
        _ answer: GivenAnswer?,
        _ evaluate: (CaseValue) throws -> Value
    ) async throws -> TransportResult? {
        if case .answer(let status, let headers, let body)? = answer?.reply {
            return .answered(try Self.answer(status, headers, body.map(evaluate)))
        }
        switch service {
        case "stripe": return await stripe.send(request, mode: .test)
        case "sendgrid": return .answered(OutsideAnswer(status: 202, headers: ["x-message-id": "test-message"]))
        default: return nil
        }
    }

    private mutating func refuse(_ request: OutsideRequest) -> TransportResult {
        refused.append(request)
        return .notSent(reason: "the test case gives no answer to this request", retryable: false)
    }

    /// `isRepeated`: the request comes again, and is to find the answer that it would have had.
    private mutating func take(
        for request: OutsideRequest,
        from block: String?,
        isRepeated: Bool
    ) -> GivenAnswer? {
        for index in given.indices {
            guard given[index].fits(request, from: block), given[index].times != 0 else { continue }
            if !isRepeated { given[index].times = given[index].times.map { $0 - 1 } }
            return given[index]
        }
        return nil
    }

    // MARK: Forms of answers

    private static func answer(_ status: Int, _ headers: [String: String], _ body: Value?) throws -> OutsideAnswer {
        var headers = headers
        let bytes: [UInt8]
        switch body {
        case nil, .null: bytes = []
        case .string(let text): bytes = Array(text.utf8)
        case .some(let value):
            bytes = try JSON.encode(value)
            if headers["content-type"] == nil { headers["content-type"] = "application/json" }
        }
        return OutsideAnswer(status: status, headers: headers, body: bytes)
    }

    private static func failure(_ status: Int, _ type: String, _ code: String, service: String) -> OutsideAnswer {
        let message = "The test case lets this request fail."
        let body =
            service == "stripe"
            ? #"{"error":{"type":"\#(type)","code":"\#(code)","message":"\#(message)"}}"# : #"{"error":"\#(message)"}"#
        return OutsideAnswer(
            status: status,
            headers: ["content-type": "application/json"],
            body: Array(body.utf8)
        )
    }

    private static func carryOut(
        _ request: HTTPRequest,
        _ base: String,
        _ simulator: EmbeddedSimulator
    ) -> HTTPResponse {
        let headers = Dictionary(
            request.headers.pairs.map { ($0.name, $0.value) },
            uniquingKeysWith: { first, _ in first }
        )
        let target = String(request.url.dropFirst(base.count))
        let answer = simulator.send(request.method, target, headers: headers, body: request.body)
        return HTTPResponse(
            status: answer.status,
            headers: HTTPHeaders(answer.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }),
            body: answer.body
        )
    }
}

extension GivenAnswer {
    fileprivate func fits(_ request: OutsideRequest, from block: String?) -> Bool {
        if let connection, connection != request.connection { return false }
        if let method, method != request.method { return false }
        if let wanted = self.block, wanted != block { return false }
        guard let path else { return true }
        let asked = request.pathAlone
        return path.hasSuffix("*") ? asked.hasPrefix(path.dropLast()) : asked == path
    }
}

extension Trouble {
    /// Whether who sent the request sends it once more with the same key, as it got no answer.
    fileprivate var isRepeated: Bool {
        switch self {
        case .unreachable, .timeout, .error, .lost: true
        case .decline, .slow: false
        }
    }
}
