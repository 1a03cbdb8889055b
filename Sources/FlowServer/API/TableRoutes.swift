import Expressions
import FlowEngine
import FlowLanguage
import HTTPTypes
import Hummingbird

/// `GET /tables/<table>` and `GET /tables/<table>/<id>`: rows, for the roles of `access.read`.
///
/// With `access.owner`, every role but admin sees only the rows whose column holds the caller's id.
struct TableRoutes: Sendable {
    let app: App
    let store: any Store
    let authenticator: Authenticator
    let reader: RequestReader

    func add(to table: inout RouteTable) {
        table.add(.get, "/tables/:table", access: .table) { request, context in try await list(request, context) }
        table.add(.get, "/tables/:table/:id", access: .table) { request, context in try await row(request, context) }
    }

    /// Rows in the order of their ids; `after` is the last id of the page before.
    private func list(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let (table, own, _) = try await readable(request, context)
        let limit = try reader.limit(of: request)
        var conditions = own
        if let text = request.uri.queryParameters["after"] {
            guard let after = Int64(text) else { throw Problem(400, "invalid_after", "after is a row's id.") }
            conditions.append(ResolvedCondition("id", .gt, .value(.int(after))))
        }
        let query = RecordQuery(
            table: table.name,
            where: conditions,
            order: [FindBlock.Order(column: "id", descending: false)],
            limit: limit + 1
        )
        var rows = try await store.read { reader throws(StoreError) in try reader.find(query) }
        let hasMore = rows.count > limit
        if hasMore { rows.removeLast(rows.count - limit) }
        var answer: ValueMap = ["items": .list(rows.map { .map($0) }), "count": .int(Int64(rows.count))]
        if hasMore { answer["next"] = rows.last?["id"] }
        return try .json(.map(answer))
    }

    private func row(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let (table, own, caller) = try await readable(request, context)
        guard let id = context.parameters.get("id", as: Int64.self) else { throw Problem.notFound }
        let query = RecordQuery(table: table.name, where: own + [ResolvedCondition("id", equals: .int(id))], limit: 1)
        let rows = try await store.read { reader throws(StoreError) in try reader.find(query) }
        guard let row = rows.first else {
            guard !own.isEmpty, try await exists(id, in: table) else { throw Problem.notFound }
            throw Problem.notFound.keepingOut(caller, because: "foreign_row")
        }
        return try .json(.map(row))
    }

    private func exists(_ id: Int64, in table: Table) async throws -> Bool {
        let query = RecordQuery(table: table.name, where: [ResolvedCondition("id", equals: .int(id))], limit: 1)
        return try await store.read { reader throws(StoreError) in try reader.find(query).isEmpty } == false
    }

    /// The table, if the caller may read it, and the conditions that leave only the rows that are the caller's.
    private func readable(
        _ request: Request,
        _ context: ServerRequestContext
    ) async throws -> (table: Table, own: [ResolvedCondition], caller: Caller) {
        let caller = try await authenticator.caller(of: request.headers)
        guard let name = context.parameters.get("table"), let table = app.table(named: name) else {
            // Strangers learn nothing about which tables there are.
            throw caller.id == nil ? Problem.forbidden(to: caller) : Problem.notFound
        }
        guard caller.isAllowed(table.access.read) else { throw Problem.forbidden(to: caller) }
        guard let owner = table.access.owner, !caller.roles.contains("admin") else { return (table, [], caller) }
        guard let id = caller.id else { throw Problem.forbidden(to: caller) }
        return (table, [ResolvedCondition(owner, equals: .string(id))], caller)
    }
}
