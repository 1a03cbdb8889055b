import Expressions
import FlowEngine
import FlowLanguage
import HTTPTypes
import Hummingbird

/// `POST /events/<name>`: takes in an event that runs wait for; a 2xx leaves only after it is durable.
///
/// The body is `{"key": …, "data": …}`; both may be left out.
struct EventRoutes: Sendable {
    let engine: Engine
    let authenticator: Authenticator
    let reader: RequestReader

    func add(to table: inout RouteTable) {
        table.add(.post, "/events/:name", access: .event) { request, context in
            try await receive(request, context)
        }
    }

    /// Who may send it is asked before the body is read, so that strangers cannot make the server read.
    private func receive(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let caller = try await authenticator.caller(of: request.headers)
        let name = context.parameters.get("name") ?? ""
        guard let event = engine.app.events.first(where: { $0.name == name }) else { throw Problem.notFound }
        guard caller.isAllowed(event.access) else { throw Problem.forbidden(to: caller) }
        let idempotencyKey = try RequestReader.idempotencyKey(of: request.headers, caller: caller)
        let body = try await reader.object(of: request, upTo: reader.limits.hookBodyBytes)
        let known: Set<String> = ["key", "data"]
        guard body.keys.allSatisfy({ known.contains($0.stringValue ?? "") }) else {
            throw Problem(422, "invalid_input", "An event has a 'key' and 'data', nothing else.")
        }
        var key: String?
        switch body["key"] ?? .null {
        case .null: break
        case .string(let text): key = text
        // As the flow's own keys, which may be an id.
        case .int(let number): key = String(number)
        default: throw Problem(422, "invalid_input", "The 'key' of an event is a text or an integer.")
        }
        do {
            let receipt = try await engine.receive(
                event: name,
                key: key,
                data: body["data"] ?? .null,
                caller: caller,
                idempotencyKey: idempotencyKey
            )
            return try .json(["event": .int(receipt.id), "repeated": .bool(receipt.isRepeated)])
        } catch let error as EngineError {
            throw Problem(error, caller: caller) ?? .notReady
        }
    }
}
