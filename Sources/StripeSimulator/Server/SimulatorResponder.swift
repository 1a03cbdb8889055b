import HTTPTypes
import Hummingbird
import NIOCore

/// A request with the connection it came on, so that a fault can tear it.
struct SimulatorContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}

/// Hands every request to the state and sends what it answers.
struct SimulatorResponder: HTTPResponder {
    typealias Context = SimulatorContext

    /// The largest body Stripe's form operations take here.
    static let maximumBody = 1 << 20
    /// The largest state that can be imported.
    static let maximumState = 64 << 20

    let host: SimulatorHost

    func respond(to request: Request, context: SimulatorContext) async throws -> Response {
        let body: [UInt8]
        do {
            let isState = request.head.path?.hasPrefix("/_simulator/state") == true
            let limit = isState ? Self.maximumState : Self.maximumBody
            body = Array(buffer: try await request.body.collect(upTo: limit))
        } catch is NIOTooManyBytesError {
            return Response(status: .contentTooLarge, headers: [.connection: "close"])
        }
        let target = request.head.path ?? "/"
        let parts = target.utf8.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        let answer = host.handle(
            SimulatorRequest(
                method: request.method.rawValue,
                path: String(decoding: parts[0], as: UTF8.self),
                query: parts.count > 1 ? Array(parts[1]) : [],
                headers: request.headers.map { ($0.name.canonicalName, $0.value) },
                body: body
            )
        )
        if answer.delayMilliseconds > 0 {
            try await ContinuousClock().sleep(for: .milliseconds(answer.delayMilliseconds))
        }
        if answer.isTorn { try await context.channel.close() }
        var headers = HTTPFields()
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) { headers.append(HTTPField(name: name, value: value)) }
        }
        return Response(
            status: .init(code: answer.status),
            headers: headers,
            body: .init(byteBuffer: ByteBuffer(bytes: answer.body))
        )
    }
}
