package import Expressions
package import FlowEngine

extension Administration {
    package func sendEvent(
        _ name: String,
        key: String?,
        data: Value,
        idempotencyKey: String?
    ) async throws(AdministrationError) -> EventReceipt {
        guard let engine else { throw AdministrationError(.unavailable, "no engine runs here") }
        do {
            return try await engine.receive(
                event: name,
                key: key,
                data: data,
                caller: Caller(id: "operator", roles: ["admin"]),
                idempotencyKey: idempotencyKey
            )
        } catch {
            throw AdministrationError(error)
        }
    }
}

extension AdminClient {
    package func sendEvent(
        _ name: String,
        key: String?,
        data: Value,
        idempotencyKey: String?
    ) async throws(AdministrationError) -> EventReceipt {
        var body: ValueMap = ["name": .string(name), "data": data]
        if let key { body["key"] = .string(key) }
        if let idempotencyKey { body["idempotencyKey"] = .string(idempotencyKey) }
        let answer = try Members(try await ask("POST", "events", .map(body)))
        return EventReceipt(id: try answer.int("event"), isRepeated: answer.optional("repeated") == .bool(true))
    }
}
