import Expressions
import FlowEngine
import FlowLanguage
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@testable import FlowServer

/// Every route, tried by every kind of caller, at objects of every owner.
///
/// Method: the routes come from the server itself, with the access that each declares; what must be answered follows
/// from that declaration, from the flow's or table's `access:` and from who owns the object. A route that the matrix
/// cannot try fails it.
@Suite("The access matrix")
struct AccessMatrixTests {
    enum Who: String, CaseIterable {
        case nobody, forged, revoked, ann, bob, boss

        var caller: Caller? {
            switch self {
            case .nobody, .forged: nil
            case .revoked: Caller(id: "gone@example.com", roles: ["admin"])
            case .ann: .ann
            case .bob: .bob
            case .boss: .boss
            }
        }

        var hasToken: Bool { self != .nobody }
        var isKnown: Bool { [.ann, .bob, .boss].contains(self) }
        var roles: Set<String> { Set(isKnown ? caller?.roles ?? [] : []).union(["public"]) }
    }

    /// One request to a route, and what its object asks for.
    struct Probe {
        var path: String
        var body = ""
        /// Roles that may; nil: the route itself decides.
        var roles: [String]?
        /// Whose object it is; nil: nobody's.
        var owner: Who?
        /// Answered when nothing stands in the way.
        var good = 200
        /// The good answer never ends: only who is refused is tried.
        var isStream = false
    }

    private func probes(of entry: RouteTable.Entry, _ app: App, annsRun: RunID) -> [Probe]? {
        switch entry.path {
        case _ where entry.access == .anyone && !entry.path.contains(":"): return [Probe(path: entry.path)]
        case "/pages/:flow":
            return app.flows.values.filter { $0.kind == .page && ["place-order", "hello"].contains($0.name) }.map {
                Probe(
                    path: "/pages/\($0.name)",
                    body: $0.name == "hello" ? "{}" : #"{"total": 5}"#,
                    roles: $0.access
                )
            }
        case "/hooks/stripe": return [Probe(path: "/hooks/stripe", body: "{}", good: 400)]
        case "/hooks/:flow":
            return app.flows.values.compactMap { flow in
                guard case .webhook(let hook) = flow.trigger, hook.authentication == .bearer,
                    hook.method == entry.method.rawValue
                else { return nil }
                return Probe(path: "/hooks/\(flow.name)", body: #"{"id": "1"}"#, roles: flow.access)
            }
        case "/events/:name":
            return app.events.map { Probe(path: "/events/\($0.name)", body: "{}", roles: $0.access) }
        case "/runs/:run": return [Probe(path: "/runs/\(annsRun)", owner: .ann)]
        case "/tables/:table":
            return app.tables.map { Probe(path: "/tables/\($0.name)", roles: $0.access.read) }
        case "/tables/:table/tickets":
            return app.tables.filter { !$0.access.subscribe.isEmpty }.map {
                Probe(path: "/tables/\($0.name)/tickets", body: "{}", roles: $0.access.subscribe, good: 201)
            }
        case "/tables/:table/subscribe":
            return app.tables.filter { !$0.access.subscribe.isEmpty }.map {
                Probe(path: "/tables/\($0.name)/subscribe", roles: $0.access.subscribe, isStream: true)
            }
        case "/tables/:table/:id": return [Probe(path: "/tables/orders/1", roles: ["customer", "admin"], owner: .ann)]
        default: return nil
        }
    }

    /// The status that must be answered.
    private func expected(_ entry: RouteTable.Entry, _ probe: Probe, _ who: Who) -> Int {
        switch entry.access {
        case .anyone: return probe.good
        // No token replaces a signature.
        case .signature: return probe.good
        case .socket: return 404
        case .flow, .event, .table, .owner:
            guard who.isKnown else {
                if who.hasToken { return 401 }
                return probe.roles?.contains("public") == true ? probe.good : 401
            }
            if let roles = probe.roles, who.roles.isDisjoint(with: roles), !who.roles.contains("admin") { return 403 }
            // Somebody else's object is as if it were not there.
            if let owner = probe.owner, owner != who, !who.roles.contains("admin") { return 404 }
            return probe.good
        }
    }

    @Test("each route answers each caller, at each owner's object, as its declared access says")
    func matrix() async throws {
        try await ServerWorld.run { world, client in
            var headers: [Who: HTTPFields] = [:]
            for who in Who.allCases { headers[who] = try await world.headers(who.caller) }
            headers[.forged]?[.authorization] = "Bearer rnl_" + String(repeating: "A", count: 43)
            for token in try await world.administration.tokens() where token.caller.id == Who.revoked.caller?.id {
                try await world.administration.revokeToken(id: token.id)
            }
            let anns = try #require(headers[.ann])
            let order = ByteBuffer(string: #"{"total": 5}"#)
            let placed = try await client.executeRequest(
                uri: "/pages/place-order",
                method: .post,
                headers: anns,
                body: order
            )
            #expect(placed.status == .ok)
            let run = try #require(try await world.runs().first?.id)
            var tried = 0
            for entry in world.server.publicRoutes().entries {
                guard let probes = probes(of: entry, world.engine.app, annsRun: run) else {
                    Issue.record("the matrix does not know \(entry.path): say in `probes` what a request looks like")
                    continue
                }
                for probe in probes {
                    for who in Who.allCases {
                        if probe.isStream, expected(entry, probe, who) == probe.good { continue }
                        let answer = try await client.executeRequest(
                            uri: probe.path,
                            method: entry.method,
                            headers: headers[who] ?? [:],
                            body: entry.method == .get ? nil : ByteBuffer(string: probe.body)
                        )
                        tried += 1
                        #expect(
                            answer.status.code == expected(entry, probe, who),
                            "\(entry.method) \(probe.path) as \(who), access \(entry.access)"
                        )
                    }
                }
            }
            #expect(tried > 60)
        }
    }

    @Test("a list of an owned table shows each caller their own rows, and admins all")
    func ownRows() async throws {
        try await ServerWorld.run { world, client in
            for caller in [Caller.ann, .ann, .bob] {
                let headers = try await world.headers(caller)
                let order = ByteBuffer(string: #"{"total": 5}"#)
                _ = try await client.executeRequest(
                    uri: "/pages/place-order",
                    method: .post,
                    headers: headers,
                    body: order
                )
            }
            for (caller, count) in [(Caller.ann, 2), (.bob, 1), (.boss, 3)] {
                let headers = try await world.headers(caller)
                let answer = try await client.executeRequest(
                    uri: "/tables/orders",
                    method: .get,
                    headers: headers,
                    body: nil
                )
                let body = try JSON.parse(Array(buffer: answer.body))
                #expect(body["count"] == .int(Int64(count)))
            }
        }
    }

    @Test("no folder below public/ can take the place of a route of the server's own")
    func ownPaths() async throws {
        try await ServerWorld.run { world, _ in
            let firstSteps = Set(world.server.publicRoutes().entries.compactMap { $0.path.split(separator: "/").first })
            #expect(!firstSteps.isEmpty)
            #expect(firstSteps.filter { !PublicFiles.reserved.contains(String($0)) } == [])
        }
    }

    @Test("nothing that trusts whoever reaches it stands on the network")
    func socketAlone() async throws {
        try await ServerWorld.run { world, _ in
            #expect(!world.server.publicRoutes().entries.contains { $0.access == .socket })
            #expect(world.server.publicRoutes().entries.allSatisfy { !$0.path.hasPrefix("/admin") })
        }
    }
}
