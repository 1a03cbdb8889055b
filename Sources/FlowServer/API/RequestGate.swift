import Expressions
import FlowEngine
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NIOHTTP1

/// What every request passes: Host and Origin, a place among those in progress, and the turning of errors into answers.
///
/// Every error becomes problem details here, so nothing behind it can leak an error's text.
struct RequestGate: RouterMiddleware {
    typealias Context = ServerRequestContext

    /// Nil on the unix socket, which no browser reaches.
    let hosts: HostPolicy?
    let places: RequestPlaces
    /// For the routes of those who watch the server: they must get through just when it is full.
    ///
    /// They read no body, so nobody can hold such a place for longer than an answer takes.
    private let watchPlaces = RequestPlaces(limit: 64)
    private static let watchPaths: Set<String> = ["/healthz", "/readyz", "/metrics"]
    let counts: RequestCounts
    let logger: Logger
    /// Writes down whom a route kept out; nil where nobody is.
    var audit: (@Sendable (_ route: String, Problem.KeptOut) async -> Void)?

    @concurrent func handle(
        _ request: Request,
        context: ServerRequestContext,
        next: @concurrent (Request, ServerRequestContext) async throws -> Response
    ) async throws -> Response {
        await EventLoopExecutor.current?.nextRequest()
        var response: Response
        do {
            response = try await admit(request, context: context, next: next)
        } catch let error as HTTPParserError {
            // Hummingbird answers it with 400 and closes the connection, which must not be read on.
            throw error
        } catch {
            let problem = problem(for: error, context: context)
            if let keptOut = problem.keptOut, let audit {
                await audit("\(request.method) \(context.endpointPath ?? "unknown")", keptOut)
            }
            response = problem.answer(requestID: context.requestID).response
        }
        seal(&response.headers, requestID: context.requestID)
        if let origin = request.headers[.origin], let hosts, hosts.isConfigured(origin: origin) {
            response.headers[.accessControlAllowOrigin] = origin
            response.headers[.vary] = "Origin"
        }
        counts.count(route: context.endpointPath, method: request.method, status: response.status.code)
        // A client takes what follows the head of such an answer for the next one; `Content-Length` stays.
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// Whether Host and Origin may come in.
    func admits(_ head: HTTPRequest) -> Bool { (try? hosts?.check(head)) != nil || hosts == nil }

    /// What stands in every answer.
    func seal(_ headers: inout HTTPFields, requestID: String) {
        headers[.cacheControl] = headers[.cacheControl] ?? "no-store"
        headers[.xContentTypeOptions] = "nosniff"
        headers[.requestID] = requestID
    }

    private func admit(
        _ request: Request,
        context: ServerRequestContext,
        next: @concurrent (Request, ServerRequestContext) async throws -> Response
    ) async throws -> Response {
        try hosts?.check(request.head)
        if let preflight = preflight(request) { return preflight }
        let places = Self.watchPaths.contains(request.uri.path) ? watchPlaces : places
        guard places.enter() else { throw Problem.overloaded }
        defer { places.leave() }
        guard request.head.expectsContinue else { return try await next(request, context) }
        var asked = request
        asked.body = RequestBody(asyncSequence: HeldBackBody(body: request.body, channel: context.channel))
        return try await next(asked, context)
    }

    /// A browser's question whether a page of an allowed origin may send what it is about to send.
    private func preflight(_ request: Request) -> Response? {
        guard request.method == .options, request.headers[.accessControlRequestMethod] != nil,
            let origin = request.headers[.origin], let hosts, hosts.isConfigured(origin: origin)
        else { return nil }
        return Response(
            status: .noContent,
            headers: [
                .accessControlAllowMethods: "GET, POST",
                .accessControlAllowHeaders: "authorization, content-type, idempotency-key",
                .accessControlMaxAge: "600",
            ]
        )
    }

    /// The answer to anything that a handler threw; what nobody foresaw is logged here, once, by its type alone.
    private func problem(for error: any Error, context: ServerRequestContext) -> Problem {
        if let problem = Problem(error, caller: .anonymous) { return problem }
        switch error {
        case let error as HTTPError where error.status == .notFound: return .notFound
        case let error as HTTPError:
            return Problem(error.status.code, "refused", error.status.reasonPhrase)
        case is NIOTooManyBytesError: return Problem(413, "body_too_large", "The body is too large.")
        default:
            logger.error(
                "request failed",
                metadata: [
                    "request.id": "\(context.requestID)",
                    "route": "\(context.endpointPath ?? "unknown")",
                    "error.type": "\(String(reflecting: type(of: error)))",
                ]
            )
            return Problem(500, "internal", "Something went wrong; the log has the request's id.")
        }
    }
}

extension HTTPField.Name {
    /// Names the request in answers and log lines.
    static let requestID = name("X-Request-Id")
}
