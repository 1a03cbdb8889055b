import Expressions
import FlowEngine
import FlowLanguage
import HTTPTypes
import Hummingbird

/// `POST /pages/<flow>`: runs a page flow for a caller and gives its output.
struct PageRoutes: Sendable {
    let engine: Engine
    let authenticator: Authenticator
    let reader: RequestReader
    let wait: AnswerWait
    let timeLimit: Duration

    func add(to table: inout RouteTable) {
        table.add(.post, "/pages/:flow", access: .flow) { request, context in
            try await call(request, context)
        }
    }

    /// Who may call is asked before the body is read, so that strangers cannot make the server read.
    private func call(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        let caller = try await authenticator.caller(of: request.headers)
        guard let name = context.parameters.get("flow"), let flow = engine.app.flows[name], flow.kind == .page else {
            throw Problem.notFound
        }
        guard caller.isAllowed(flow.access) else { throw Problem.forbidden(to: caller) }
        let key = try RequestReader.idempotencyKey(of: request.headers, caller: caller)
        let input = try await reader.object(of: request, upTo: reader.limits.pageBodyBytes)
        do {
            let answer = try await wait {
                try await engine.callPage(
                    name,
                    input: .map(input),
                    caller: caller,
                    idempotencyKey: key,
                    timeLimit: timeLimit
                )
            }
            switch answer {
            case .answered(let answer, let run):
                // A flow that refuses its caller, such as somebody else's order.
                if [401, 403, 404].contains(answer.status) {
                    let code = answer.body["code"]?.stringValue ?? "\(answer.status)"
                    await RefusalAudit(engine: engine).note("page", on: name, by: caller, code)
                }
                // A page's own answer is its output, with 200; everything else is the engine's word.
                return try .answer(answer, run: run, isFailure: answer.status >= 400)
            case .accepted(let run): return try .accepted(run)
            }
        } catch let error as EngineError {
            throw Problem(error, caller: caller) ?? .notReady
        }
    }
}
