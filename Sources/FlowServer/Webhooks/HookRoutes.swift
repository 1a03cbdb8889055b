import Expressions
import FlowEngine
import FlowLanguage
import HTTPTypes
import Hummingbird

/// `POST|GET /hooks/<flow>` and `POST /hooks/stripe`: a 2xx leaves only after the event is durable.
struct HookRoutes: Sendable {
    let engine: Engine
    let authentication: HookAuthentication
    let reader: RequestReader
    let stripe: (any StripeHookReceiver)?
    let wait: AnswerWait
    let timeLimit: Duration

    func add(to table: inout RouteTable) {
        table.add(.post, StripeHookRoute.path, access: .signature) { request, _ in try await receiveStripe(request) }
        table.add(.post, "/hooks/:flow", access: .flow) { request, context in try await receive(request, context) }
        table.add(.get, "/hooks/:flow", access: .flow) { request, context in try await receive(request, context) }
    }

    /// What `StripeHookRoute` leaves.
    private func receiveStripe(_ request: Request) async throws -> Response {
        guard let stripe else { throw Problem.notFound }
        let signatures = request.headers[values: .stripeSignature]
        let body = try await reader.body(of: request, upTo: reader.limits.hookBodyBytes)
        let verdict = await stripe.receive(body: body, signature: signatures.count == 1 ? signatures.first : nil)
        if let problem = verdict.problem { throw problem }
        return verdict.answer.response
    }

    private func receive(_ request: Request, _ context: ServerRequestContext) async throws -> Response {
        guard let name = context.parameters.get("flow"), let flow = engine.app.flows[name],
            case .webhook(let trigger) = flow.trigger
        else { throw Problem.notFound }
        guard request.method.rawValue == trigger.method else { throw Problem.methodNotAllowed([trigger.method]) }
        let caller = try await authentication.checkHead(flow, trigger, headers: request.headers)
        let bytes = try await reader.body(of: request, upTo: reader.limits.hookBodyBytes)
        let head = HookDelivery.Head(request)
        try authentication.checkBody(flow, trigger, headers: head.headers, body: bytes)
        let delivery = try HookDelivery(head, bytes: bytes, receivedAt: engine.clock.now(), reader: reader)
        let event = try HookEvent(
            of: delivery,
            bytes: bytes,
            trigger,
            caller: caller,
            mode: engine.mode,
            reader: reader
        )
        let run = try await engine.receive(
            hook: name,
            eventID: event.id,
            account: event.account,
            trigger: delivery.trigger,
            body: bytes,
            caller: caller
        )
        switch trigger.answer {
        case .atOnce:
            return try .json(run == nil ? ["received": true, "repeated": true] : ["received": true])
        case .whenFinished:
            return try await answer(of: run, hook: name, event)
        case .chunked:
            let awaited = try await self.run(run, hook: name, event)
            guard let awaited else { return try .json(["received": true, "repeated": true]) }
            return ChunkedAnswer(engine: engine, run: awaited, wait: wait).response
        }
    }

    /// The run that a delivery started, or the first delivery of the same event; nil when that one is pruned.
    private func run(_ run: RunID?, hook: String, _ event: HookEvent) async throws -> RunID? {
        guard run == nil, let eventID = event.id else { return run }
        return try await engine.store.read { reader throws(StoreError) in
            let first = try reader.delivery(
                source: hook,
                account: event.account,
                mode: engine.mode,
                eventID: eventID
            )?.run
            guard let first, try reader.status(of: first) != nil else { return nil }
            return first
        }
    }

    /// A repetition gets the answer of the run that the first delivery started.
    private func answer(of run: RunID?, hook: String, _ event: HookEvent) async throws -> Response {
        guard let awaited = try await self.run(run, hook: hook, event) else {
            return try .json(["received": true, "repeated": true])
        }
        let record = try await wait { try await engine.answer(of: awaited, timeLimit: timeLimit) }
        guard let answer = record.answer else {
            // A flow may end without a word; 202 is for one that goes on.
            let status = record.status == .succeeded ? 200 : 202
            return try .json(["received": true, "run": .int(record.id.rawValue)], status: status)
        }
        // A flow that answered for itself and failed afterwards has its own answer still. Statuses are not compared: an
        // older version may have chosen another one.
        let isFailure = record.failure.map { answer.body == RunAnswer(failure: $0).body } ?? false
        return try .answer(answer, run: record.id, isFailure: isFailure)
    }
}

extension HTTPField.Name {
    static let stripeSignature = name("Stripe-Signature")
}
