import HTTPTypes
import Hummingbird

/// The routes of one listener.
///
/// A path that is known under another method answers 405, not 404.
struct RouteTable {
    typealias Handler = @Sendable (Request, ServerRequestContext) async throws -> Response

    private struct Route {
        var path: String
        var handlers: [(method: HTTPRequest.Method, handler: Handler)]
    }

    /// A route and who may reach it; what the access matrix is made of.
    struct Entry: Sendable, Hashable {
        var method: HTTPRequest.Method
        var path: String
        var access: RouteAccess
    }

    private static let commonMethods: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options]
    private var routes: [Route] = []
    private(set) var entries: [Entry] = []

    /// Adds a route; a place that has it open to somebody must be named, so that none is open by mistake.
    mutating func add(
        _ method: HTTPRequest.Method,
        _ path: String,
        access: RouteAccess,
        _ handler: @escaping Handler
    ) {
        entries.append(Entry(method: method, path: path, access: access))
        if let index = routes.firstIndex(where: { $0.path == path }) {
            routes[index].handlers.append((method, handler))
        } else {
            routes.append(Route(path: path, handlers: [(method, handler)]))
        }
    }

    /// Builds the router; every request passes `gate` first, unknown paths included.
    ///
    /// On the network no route may stand that trusts whoever reaches it.
    func router(behind gate: RequestGate) -> Router<ServerRequestContext> {
        precondition(
            gate.hosts == nil || !entries.contains { $0.access == .socket },
            "a route of the admin socket stands on the network"
        )
        let router = Router(context: ServerRequestContext.self)
        router.add(middleware: gate)
        for route in routes {
            let path = RouterPath(route.path)
            for (method, handler) in route.handlers {
                router.on(path, method: method) { request, context in try await handler(request, context) }
            }
            let allowed = route.handlers.map(\.method)
            for method in Self.commonMethods where !allowed.contains(method) {
                router.on(path, method: method) { _, _ -> Response in
                    throw Problem.methodNotAllowed(allowed.map(\.rawValue))
                }
            }
        }
        return router
    }
}
