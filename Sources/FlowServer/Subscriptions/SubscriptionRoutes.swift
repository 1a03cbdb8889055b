import Expressions
import FlowEngine
import FlowLanguage
import HTTPTypes
import Hummingbird
import NIOCore
import Payments

/// `GET /tables/<table>/subscribe`: changes as server-sent events; `POST /tables/<table>/tickets`: the right to them.
///
/// `access.subscribe` says who, `access.owner` which rows. A page's `EventSource` can send no token, so it gets a
/// ticket first: for one use, within half a minute. Who holds a client secret may follow what it pays: a payment, or the
/// recurring payment that it begins.
struct SubscriptionRoutes: Sendable {
    let engine: Engine
    let authenticator: Authenticator
    let reader: RequestReader
    let feed: ChangeFeed
    let tickets: SubscriptionTickets
    let audit: RefusalAudit

    private static let ticketBytes = 4 << 10

    func add(to table: inout RouteTable) {
        table.add(.post, "/tables/:table/tickets", access: .table) { request, context in
            try await ticket(request, context)
        }
        table.add(.get, "/tables/:table/subscribe", access: .table) { request, context in
            try await subscribe(request, context)
        }
    }

    // MARK: Tickets

    /// Takes `{}`, `{"id": 5}` for one row, or `{"clientSecret": "pi_…"}` for one payment; the answer tells whose table.
    private func ticket(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let caller = try await authenticator.caller(of: request.headers)
        let name = context.parameters.get("table") ?? ""
        let wish = try await reader.object(of: request, upTo: Self.ticketBytes)
        let (scope, isBySecret) = try await audit("table.ticket", on: name, by: caller) {
            try await self.scope(wish, name, caller)
        }
        let text = try tickets.issue(
            scope,
            caller: Self.name(of: caller, scope),
            right: right(of: isBySecret ? nil : request.headers)
        )
        return try .json(
            [
                "ticket": .string(text), "expiresIn": .int(SubscriptionTickets.lifetime.components.seconds),
                "table": .string(scope.table), "url": .string("/tables/\(scope.table)/subscribe?ticket=\(text)"),
            ],
            status: 201
        )
    }

    /// What a ticket is for, and whether a client secret opened it: that right alone outlives the caller's token.
    ///
    /// A member that is not acted on is refused: who sends a secret must not believe that it was looked at.
    private func scope(
        _ wish: ValueMap,
        _ name: String,
        _ caller: Caller
    ) async throws -> (scope: RowScope, isBySecret: Bool) {
        for key in wish.keys where key != "id" && key != "clientSecret" {
            throw Problem(400, "unknown_member", "A ticket is asked for by id or by clientSecret.")
        }
        if let given = wish["clientSecret"] {
            guard let secret = given.stringValue, wish["id"] == nil, name == PaymentsTables.payments.name,
                engine.app.table(named: name) != nil
            else {
                throw Problem(400, "unusable_client_secret", "A clientSecret stands alone, and is one of payments.")
            }
            let mode = engine.mode
            let found = try await engine.store.read { (reader) throws(StoreError) in
                try PaymentFollowers.followed(clientSecret: secret, mode: mode, in: reader)
            }
            guard let found else { throw Problem(403, "unknown_client_secret", "No payment has this client secret.") }
            return (RowScope(table: found.table, row: found.id), true)
        }
        var scope = try RowScope(of: caller, table: name, in: engine.app)
        if let id = wish["id"] {
            guard let row = id.intValue else { throw Problem(400, "invalid_id", "id is a row's id.") }
            scope.row = row
        }
        return (scope, false)
    }

    private func right(of headers: HTTPFields?) -> SubscriptionRight {
        SubscriptionRight(of: headers, authenticator: authenticator, app: engine.app)
    }

    /// Under whose name subscriptions are counted; strangers by what they may follow.
    private static func name(of caller: Caller, _ scope: RowScope) -> String {
        caller.id.map { "caller " + $0 } ?? "\(scope.table) \(scope.row ?? 0)"
    }

    // MARK: The stream

    private func subscribe(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let name = context.parameters.get("table") ?? ""
        let query = request.uri.queryParameters
        var scope: RowScope
        let follower: String
        let right: SubscriptionRight
        if let text = query["ticket"].map(String.init) {
            let ticket = try await audit("table.subscribe", on: name, by: .anonymous) {
                guard let ticket = tickets.redeem(text), ticket.scope.table == name else {
                    throw Problem(401, "invalid_ticket", "The ticket is used, too old or for another table.")
                }
                return ticket
            }
            (scope, follower, right) = (ticket.scope, ticket.caller, ticket.right)
        } else {
            let caller = try await authenticator.caller(of: request.headers)
            scope = try await audit("table.subscribe", on: name, by: caller) {
                try RowScope(of: caller, table: name, in: engine.app)
            }
            follower = Self.name(of: caller, scope)
            right = self.right(of: request.headers)
        }
        if let text = query["id"] {
            guard let row = Int64(text), scope.row == nil || scope.row == row else {
                throw Problem(400, "invalid_id", "id is a row's id, and the ticket's if that names one.")
            }
            scope.row = row
        }
        let start = try await start(scope, resuming: lastEventID(of: request))
        let seat = try feed.enter(scope, after: start.position, caller: follower)
        let clock = engine.clock
        let stream = SubscriptionStream(feed: feed, scope: scope, start: start, seat: seat, right: right, clock: clock)
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-store", .accelBuffering: "no"],
            body: ResponseBody { writer in
                try await stream.run(&writer)
                try await writer.finish(nil)
            }
        )
    }

    /// From the header, which a browser sends by itself, or from the query, which a page that asks anew can set.
    private func lastEventID(of request: Request) throws -> Int64? {
        let text = request.headers[.lastEventID] ?? request.uri.queryParameters["lastEventId"].map(String.init)
        guard let text, !text.isEmpty else { return nil }
        guard let id = Int64(text), id >= 0 else {
            throw Problem(400, "invalid_last_event_id", "Last-Event-ID is an id that this stream gave.")
        }
        return id
    }

    /// Where a stream begins, and what it says first: of one row how it is now, else that it is ready.
    private func start(_ scope: RowScope, resuming id: Int64?) async throws -> SubscriptionStream.Start {
        guard let declared = engine.app.table(named: scope.table) else { throw Problem.notFound }
        let table = FollowedTable(declared)
        return try await engine.store.read { (reader) throws(StoreError) in
            let extent = try reader.changeExtent()
            if let id {
                let isThere = id >= extent.oldest - 1 && id <= extent.newest
                guard !isThere else { return SubscriptionStream.Start(position: id, greeting: []) }
                return SubscriptionStream.Start(
                    position: extent.newest,
                    greeting: ServerSentEvent.reset(id: extent.newest)
                )
            }
            var greeting = ServerSentEvent.event("ready", id: extent.newest, data: Array("{}".utf8))
            if let row = scope.row {
                var conditions = [ResolvedCondition("id", equals: .int(row))]
                if let column = table.ownerColumn, let owner = scope.owner {
                    conditions.append(ResolvedCondition(column, equals: .string(owner)))
                }
                let rows = try reader.find(RecordQuery(table: table.name, where: conditions, limit: 1))
                if let json = rows.first.flatMap({ table.json(of: $0) }) {
                    greeting = ServerSentEvent.event("snapshot", id: extent.newest, data: json)
                }
            }
            return SubscriptionStream.Start(position: extent.newest, greeting: greeting)
        }
    }
}

/// One subscriber's stream: takes from the feed what is theirs, as fast as the connection takes it.
struct SubscriptionStream: Sendable {
    struct Start: Sendable {
        let position: Int64
        let greeting: [UInt8]
    }

    let feed: ChangeFeed
    let scope: RowScope
    let start: Start
    /// Held for as long as somebody holds the stream.
    let seat: ChangeFeed.Seat
    let right: SubscriptionRight
    let clock: any FlowEngine.Clock

    /// Writes until the client is gone, the server stops or the right is lost.
    ///
    /// While the connection takes no more, nothing is read for it: its place stays where it is.
    @concurrent func run(_ writer: inout any ResponseBodyWriter) async throws {
        var position = start.position
        try await writer.write(ByteBuffer(bytes: ServerSentEvent.retry + start.greeting))
        var (asked, beat) = (clock.now(), seat.beat)
        while true {
            if let due = asked + SubscriptionRight.lifetime, due <= clock.now() {
                guard await right.covers(scope) else { return }
                asked = clock.now()
            }
            switch try await feed.news(of: scope.table, after: position) {
            case .lost(let newest):
                try await writer.write(ByteBuffer(bytes: ServerSentEvent.reset(id: newest)))
                position = newest
                continue
            case .entries(let entries, let last):
                var buffer = ByteBuffer()
                for entry in entries { if let event = entry.event(for: scope) { buffer.writeBytes(event) } }
                if buffer.readableBytes > 0 { try await writer.write(buffer) }
                position = last
                if entries.count == ChangeFeed.batch { continue }
            }
            switch await feed.wait(for: scope.table, after: position, beat: beat) {
            case .changes: continue
            case .heartbeat(let number):
                beat = number
                try await writer.write(ByteBuffer(bytes: ServerSentEvent.heartbeat(id: position)))
            case .end: return
            }
        }
    }
}

extension HTTPField.Name {
    static let lastEventID = name("Last-Event-ID")
    /// Proxies that gather answers must not gather this one.
    static let accelBuffering = name("X-Accel-Buffering")
}
