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

    /// Bytes after which a page ends, and rows that are read at a time: a page of large rows must not fill the memory.
    private static let pageBytesMax = 8 << 20, batch = 64
    /// Room for one row of any size behind a page that is nearly full; each row keeps within the standard limits.
    private static let pageLimits = JSONLimits(bytes: 64 << 20, values: 16_000_000)

    /// Rows in the order of their ids; `after` is the last id of the page before.
    ///
    /// A page ends early where its rows are large, at one row at least; `next` says whether there are more.
    private func list(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let (table, own, _) = try await readable(request, context)
        let limit = try reader.limit(of: request)
        var after: Int64?
        if let text = request.uri.queryParameters["after"] {
            guard let id = Int64(text) else { throw Problem(400, "invalid_after", "after is a row's id.") }
            after = id
        }
        let start = after
        let (rows, hasMore) = try await store.read { reader throws(StoreError) in
            try Self.page(of: table, where: own, after: start, limit: limit, in: reader)
        }
        var answer: ValueMap = ["items": .list(rows.map { .map($0) }), "count": .int(Int64(rows.count))]
        if hasMore { answer["next"] = rows.last?["id"] }
        return try .json(.map(answer), limits: Self.pageLimits)
    }

    private static func page(
        of table: Table,
        where own: [ResolvedCondition],
        after start: Int64?,
        limit: Int,
        in reader: any StoreReader
    ) throws(StoreError) -> (rows: [ValueMap], hasMore: Bool) {
        var (rows, bytes, after) = ([ValueMap](), 0, start)
        while true {
            let wanted = min(batch, limit + 1 - rows.count)
            let place = after.map { [ResolvedCondition("id", .gt, .value(.int($0)))] } ?? []
            let query = RecordQuery(
                table: table.name,
                where: own + place,
                order: [FindBlock.Order(column: "id", descending: false)],
                limit: wanted
            )
            let found = try reader.find(query)
            for row in found {
                // A row without a JSON form fails the answer later, and counts for nothing here.
                bytes += (try? JSON.encode(.map(row)))?.count ?? 0
                guard rows.count < limit, rows.isEmpty || bytes <= pageBytesMax else { return (rows, true) }
                rows.append(row)
            }
            guard found.count == wanted, let last = found.last?["id"]?.intValue else { return (rows, false) }
            after = last
        }
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
