import Expressions
import FlowEngine
import FlowLanguage
import HTTPTypes
import Hummingbird

/// `GET /runs/<id>`: where a run stands, for the caller who started it and for admins.
///
/// An anonymous caller cannot be recognised again, so nobody but an admin sees an anonymous run; its caller repeats
/// the page call with the same `Idempotency-Key`. A run of someone else is answered as if it were not there, and so is
/// one that works for another run: what it does is the inside of that one.
struct RunRoutes: Sendable {
    let engine: Engine
    let authenticator: Authenticator

    func add(to table: inout RouteTable) {
        table.add(.get, "/runs/:run", access: .owner) { request, context in
            try await show(request, context)
        }
    }

    private func show(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let caller = try await authenticator.caller(of: request.headers)
        guard caller.id != nil else { throw Problem.forbidden(to: caller) }
        guard let id = context.parameters.get("run", as: Int64.self), id > 0 else { throw Problem.notFound }
        let record = try await engine.store.read { reader throws(StoreError) in try reader.run(RunID(id)) }
        guard let record else { throw Problem.notFound }
        let isAdmin = caller.roles.contains("admin")
        guard isAdmin || record.start.caller.isSamePerson(as: caller) else {
            throw Problem.notFound.keepingOut(caller, because: "foreign_run")
        }
        guard isAdmin || record.start.parent == nil else {
            throw Problem.notFound.keepingOut(caller, because: "inner_run")
        }
        var view = Self.view(of: record)
        // A page shows what it declares; a cloud flow's output is for the flow that ran it.
        if !isAdmin, record.start.origin == .subflow, engine.app.flows[record.start.flow]?.kind != .page {
            view["answer"] = nil
        }
        return try .json(.map(view))
    }

    /// What a caller may see: nothing of the flow's inside.
    static func view(of record: RunRecord) -> ValueMap {
        var view: ValueMap = [
            "run": .int(record.id.rawValue),
            "flow": .string(record.start.flow),
            "status": .string(record.status.rawValue),
            "createdAt": .string(record.createdAt.rfc3339),
        ]
        view["finishedAt"] = record.finishedAt.map { .string($0.rfc3339) }
        if let answer = record.answer {
            view["answer"] = ["status": .int(Int64(answer.status)), "body": answer.body]
        }
        return view
    }
}
