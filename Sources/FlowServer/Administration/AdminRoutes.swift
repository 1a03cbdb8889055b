import Connections
import Expressions
import FlowEngine
import HTTPTypes
import Hummingbird

/// `/admin/…`: the words of `Administering` over HTTP, on the unix socket alone.
///
/// Whoever can open the socket owns the data, so no token is asked for.
struct AdminRoutes: Sendable {
    private static let bodyBytes = 1 << 20
    /// A command waits through several calls, so that a stop of the server is not held up.
    private static let longestWait = Duration.seconds(30)

    let administration: any Administering
    let reader: RequestReader

    func add(to table: inout RouteTable) {
        table.add(.get, "/admin/status", access: .socket) { _, _ in try .json(try await administration.status().value) }
        addRuns(to: &table)
        addEvents(to: &table)
        addCapsules(to: &table)
        addChanges(to: &table)
        addTokens(to: &table)
        addSecrets(to: &table)
        addPayments(to: &table)
        addBackup(to: &table)
    }

    private func addRuns(to table: inout RouteTable) {
        table.add(.get, "/admin/runs", access: .socket) { request, _ in
            try await answering {
                let runs = try await administration.runs(matching: try filter(of: request))
                return ["runs": .list(runs.map(\.value))]
            }
        }
        table.add(.post, "/admin/runs", access: .socket) { request, _ in
            try await answering(201) {
                let body = try await members(of: request)
                let input = try Members(body.optional("input") ?? .map(ValueMap()))
                let caller = body.optional("caller")?.stringValue ?? "operator"
                let run = try await administration.start(try body.string("flow"), input: input.map, as: caller)
                return ["run": .int(run.rawValue)]
            }
        }
        table.add(.get, "/admin/runs/:run", access: .socket) { request, context in
            try await answering {
                guard let id = context.parameters.get("run", as: Int64.self) else { throw Problem.notFound }
                let seconds = request.uri.queryParameters["wait"].flatMap { Int64($0) } ?? 0
                let wait = min(Duration.seconds(max(seconds, 0)), Self.longestWait)
                return try await administration.report(of: RunID(id), waiting: wait).value
            }
        }
    }

    private func addEvents(to table: inout RouteTable) {
        table.add(.post, "/admin/events", access: .socket) { request, _ in
            try await answering {
                let body = try await members(of: request)
                let receipt = try await administration.sendEvent(
                    try body.string("name"),
                    key: body.optional("key")?.stringValue,
                    data: body.optional("data") ?? .null,
                    idempotencyKey: body.optional("idempotencyKey")?.stringValue
                )
                return ["event": .int(receipt.id), "repeated": .bool(receipt.isRepeated)]
            }
        }
    }

    private func addCapsules(to table: inout RouteTable) {
        table.add(.get, "/admin/runs/:run/capsule", access: .socket) { _, context in
            try await answering {
                guard let id = context.parameters.get("run", as: Int64.self) else { throw Problem.notFound }
                let capsule = try await administration.capsule(of: RunID(id))
                return ["capsule": .string(String(decoding: capsule, as: UTF8.self))]
            }
        }
    }

    private func addChanges(to table: inout RouteTable) {
        table.add(.post, "/admin/runs/:run/change", access: .socket) { request, context in
            try await answering {
                guard let id = context.parameters.get("run", as: Int64.self) else { throw Problem.notFound }
                let change = try RunChange(try await members(of: request).whole)
                return try await administration.change(RunID(id), change).value
            }
        }
        table.add(.post, "/admin/runs/:run/rerun", access: .socket) { request, context in
            try await answering {
                guard let id = context.parameters.get("run", as: Int64.self) else { throw Problem.notFound }
                let order = try RerunOrder(try await members(of: request).whole)
                return try await administration.rerun(RunID(id), order).value
            }
        }
    }

    private func addTokens(to table: inout RouteTable) {
        table.add(.get, "/admin/tokens", access: .socket) { _, _ in
            try await answering { ["tokens": .list(try await administration.tokens().map(\.value))] }
        }
        table.add(.post, "/admin/tokens", access: .socket) { request, _ in
            try await answering(201) {
                let body = try await members(of: request)
                let issued = try await administration.createToken(for: try Caller(value: body.whole))
                return ["token": .string(issued.text), "summary": issued.summary.value]
            }
        }
        table.add(.delete, "/admin/tokens/:id", access: .socket) { _, context in
            try await answering {
                try await administration.revokeToken(id: context.parameters.get("id") ?? "")
                return ["revoked": true]
            }
        }
    }

    private func addSecrets(to table: inout RouteTable) {
        table.add(.get, "/admin/secrets", access: .socket) { _, _ in
            try await answering { ["names": .list(try await administration.secretNames().map(Value.string))] }
        }
        table.add(.put, "/admin/secrets/:name", access: .socket) { request, context in
            try await answering {
                let bytes = try await reader.body(of: request, upTo: Self.bodyBytes)
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw Problem(400, "invalid", "A secret is UTF-8 text.")
                }
                try await administration.setSecret(context.parameters.get("name") ?? "", to: Secret(text))
                return ["set": true]
            }
        }
        table.add(.delete, "/admin/secrets/:name", access: .socket) { _, context in
            try await answering {
                try await administration.removeSecret(context.parameters.get("name") ?? "")
                return ["removed": true]
            }
        }
    }

    func members(of request: Request) async throws -> Members {
        try Members(.map(try await reader.object(of: request, upTo: Self.bodyBytes)))
    }

    private func filter(of request: Request) throws -> RunFilter {
        let query = request.uri.queryParameters
        var filter = RunFilter(flow: query["flow"].map(String.init))
        if let text = query["limit"] {
            guard let limit = Int(text), limit > 0 else {
                throw Problem(400, "invalid_limit", "limit is a number from 1 on.")
            }
            filter.limit = limit
        }
        filter.includesBranches = query["branches"] == "true"
        if let text = query["before"] {
            guard let id = Int64(text) else { throw Problem(400, "invalid_before", "before is a run's id.") }
            filter.before = RunID(id)
        }
        for word in query["status"].map({ $0.split(separator: ",") }) ?? [] {
            guard let status = RunStatus(rawValue: String(word)) else {
                let known = RunStatus.allCases.map(\.rawValue).joined(separator: ", ")
                throw Problem(400, "invalid_status", "status is one of \(known).")
            }
            filter.statuses.insert(status)
        }
        return filter
    }

    func answering(_ status: Int = 200, _ body: () async throws -> Value) async throws -> Response {
        do {
            return try .json(try await body(), status: status, limits: .journal)
        } catch let error as AdministrationError {
            switch error.code {
            case .notFound: throw Problem(404, "not_found", error.message)
            case .invalid: throw Problem(400, "invalid", error.message)
            default: throw Problem(503, "unavailable", error.message, retryAfter: 1)
            }
        }
    }
}
