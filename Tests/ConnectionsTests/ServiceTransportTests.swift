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
        let service = StripeService(credentials: StripeCredentials(Keys(key: key)))
        let transport = ServiceTransport(
            connections: [declaration],
            services: ["stripe": service]
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

    @Test("an answer is handed on with the headers that matter alone")
    func answered() async {
        let (result, sends) = await send([fine])
        #expect(result == .answered(OutsideAnswer(status: 200, headers: ["request-id": "req_1"], body: [0x7B, 0x7D])))
        #expect(sends == 1)
    }

    @Test("an answer of any status is one: what a 500 means for the effect, the engine decides")
    func fault() async {
        let (result, sends) = await send([.success(HTTPResponse(status: 500))])
        #expect(result == .answered(OutsideAnswer(status: 500)))
        #expect(sends == 1)
    }

    @Test("never connected: not sent, and worth another try; a certificate that is not accepted is not")
    func notSent() async {
        guard case (.notSent(_, retryable: true), 1) = await send([unsent]) else {
            Issue.record("a refused connection")
            return
        }
        let tls = Result<HTTPResponse, HTTPError>.failure(HTTPError(.tls, requestMayHaveBeenSent: false))
        guard case (.notSent(_, retryable: false), 1) = await send([tls]) else {
            Issue.record("a wrong certificate")
            return
        }
    }

    @Test("once it may have been seen it is lost, and nothing is sent twice here", arguments: [Effect.keyed, .once])
    func lost(effect: Effect) async {
        guard case (.lost, 1) = await send([broken, fine], effect: effect) else {
            Issue.record("a broken connection")
            return
        }
    }

    @Test("no key, or no such connection: nothing leaves")
    func refused() async {
        let (keyless, sends) = await send([fine], key: nil)
        guard case .notSent(let reason, retryable: false) = keyless else {
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
