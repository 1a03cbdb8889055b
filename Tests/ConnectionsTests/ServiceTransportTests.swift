import Connections
import Expressions
import FlowEngine
import FlowLanguage
import HTTPTransport
import Synchronization
import Testing

@Suite("ServiceTransport says what is known")
struct ServiceTransportTests {
    /// Plays answers and errors in order, and counts.
    private final class Wire: Sendable {
        private let script: Mutex<[Result<HTTPResponse, HTTPError>]>
        private let counter = Atomic<Int>(0)

        init(_ script: [Result<HTTPResponse, HTTPError>]) { self.script = Mutex(script) }

        var sends: Int { counter.load(ordering: .relaxed) }

        func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
            counter.add(1, ordering: .relaxed)
            let next = script.withLock { script in
                script.isEmpty
                    ? .failure(HTTPError(.couldNotConnect, requestMayHaveBeenSent: false)) : script.removeFirst()
            }
            return try next.get()
        }
    }

    private struct StoppedClock: FlowEngine.Clock {
        func now() -> Timestamp { Timestamp(microseconds: 0) ?? { preconditionFailure("a time") }() }
        func sleep(until deadline: Timestamp) async throws {}
    }

    private struct Zeroes: RandomSource {
        func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: count) }
    }

    private struct Keys: CredentialSource {
        var key: String?
        func secret(named name: String) -> Secret? { name == "stripe.test.secretKey" ? key.map { Secret($0) } : nil }
    }

    private func send(
        _ script: [Result<HTTPResponse, HTTPError>],
        method: String = "POST",
        effect: Effect = .keyed,
        key: String? = "sk_test_canary",
        connection: String = "stripe"
    ) async -> (TransportResult, sends: Int) {
        let wire = Wire(script)
        let place = SourcePosition.start
        let declaration = ConnectionDeclaration(
            name: "stripe",
            service: "stripe",
            range: SourceRange(file: "app.yaml", start: place, end: place)
        )
        let service = StripeService(credentials: StripeCredentials(Keys(key: key)), random: Zeroes())
        let transport = ServiceTransport(
            connections: [declaration],
            services: ["stripe": service],
            clock: StoppedClock()
        ) { request async throws(HTTPError) in try await wire.send(request) }
        let request = OutsideRequest(
            connection: connection,
            method: method,
            path: "/v1/refunds",
            effect: effect,
            key: method == "POST" ? "k" : nil
        )
        return (await transport.send(request, mode: .test), wire.sends)
    }

    private let unsent = Result<HTTPResponse, HTTPError>.failure(
        HTTPError(.couldNotConnect, requestMayHaveBeenSent: false)
    )
    private let broken = Result<HTTPResponse, HTTPError>.failure(
        HTTPError(.connectionLost, requestMayHaveBeenSent: true)
    )
    private let fine = Result<HTTPResponse, HTTPError>.success(
        HTTPResponse(status: 200, headers: ["Request-Id": "req_1", "Set-Cookie": "a=b"], body: [0x7B, 0x7D])
    )
    private let fault = Result<HTTPResponse, HTTPError>.success(HTTPResponse(status: 500))

    @Test("an answer is handed on with the headers that matter alone")
    func answered() async {
        let (result, sends) = await send([fine])
        #expect(result == .answered(OutsideAnswer(status: 200, headers: ["request-id": "req_1"], body: [0x7B, 0x7D])))
        #expect(sends == 1)
    }

    @Test("never connected: not sent, however often it was tried")
    func notSent() async {
        let (result, sends) = await send([unsent, unsent, unsent, unsent])
        guard case .notSent(_, retryable: true) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(sends == 4)
    }

    @Test("a lost answer is asked for again with the same key; then the first answer counts")
    func repeated() async {
        let (result, sends) = await send([broken, unsent, fault, fine])
        guard case .answered = result else {
            Issue.record("\(result)")
            return
        }
        #expect(sends == 4)
    }

    @Test("once it may have been seen it is lost, even if the last try never left")
    func lost() async {
        for script in [
            [broken, unsent, unsent, unsent], [fault, fault, fault, fault], [fault, unsent, unsent, unsent],
        ] {
            let (result, _) = await send(script)
            guard case .lost = result else {
                Issue.record("\(result)")
                continue
            }
        }
    }

    @Test("an effect that may happen once is sent once")
    func once() async {
        let (result, sends) = await send([broken, fine], effect: .once)
        guard case .lost = result else {
            Issue.record("\(result)")
            return
        }
        #expect(sends == 1)
        let (second, _) = await send([fault, fine], effect: .once)
        guard case .lost = second else {
            Issue.record("\(second)")
            return
        }
    }

    @Test("a read that Stripe cannot answer is answered so: nothing can have happened")
    func reads() async {
        let (result, sends) = await send([fault, fault, fault, fault], method: "GET", effect: .safe)
        #expect(result == .answered(OutsideAnswer(status: 500)))
        #expect(sends == 4)
    }

    @Test("no key, or no such connection: nothing leaves")
    func refused() async {
        let (keyless, sends) = await send([fine], key: nil)
        guard case .notSent(let reason, retryable: true) = keyless else {
            Issue.record("\(keyless)")
            return
        }
        #expect(sends == 0 && reason.contains("runnel secrets set"))
        let (unknown, _) = await send([fine], connection: "other")
        guard case .notSent(_, retryable: false) = unknown else {
            Issue.record("\(unknown)")
            return
        }
    }
}
