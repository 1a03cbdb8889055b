import Connections
import Expressions
import FlowEngine
import FlowLanguage
import StripeSimulator

// The things that a case lets happen.
extension CaseRun {
    func perform(_ step: CaseStep, number: Int) async throws -> StepResult {
        scope[.now] = .timestamp(world.clock.now())
        scope[.steps] = .map(results)
        switch step.action {
        case .page(let flow, let input, let caller, let key):
            let input = try input.map { try scope.evaluate($0) } ?? [:]
            // A key for every call: a caller whose server died asks again with the same one.
            let key = try key.map { try text($0, at: step.range) } ?? "step-\(number)"
            return try await call(flow, input, caller ?? test.given.caller, key: key)
        case .run(let flow, let input, let trigger, let caller):
            let input = try input.map { try scope.evaluate($0) }?.mapValue ?? ValueMap()
            let trigger = try trigger.map { try scope.evaluate($0) } ?? .null
            return try await start(flow, input: input, trigger: trigger, caller: caller)
        case .schedule(let flow, let moment):
            let now = world.clock.now()
            let trigger: Value = ["scheduledAt": .timestamp(moment ?? now), "firedAt": .timestamp(now)]
            return try await start(flow, input: ValueMap(), trigger: trigger, caller: nil)
        case .send(let event, let key, let data, let caller):
            let key = try key.map { try text($0, at: step.range) }
            let data = try data.map { try scope.evaluate($0) } ?? .null
            return try await send(event, key: key, data: data, caller, number: number)
        case .capsule(let file):
            // Its steps stand in its place before a case is played.
            throw CaseFault(message: "'\(file)' is not read", range: step.range)
        case .hook(let hook): return try await deliver(hook, at: step.range)
        case .stripeEvent(let type, let changes):
            let changes = try changes.map { try scope.evaluate($0) }.map(Self.changes) ?? []
            do throws(EmbeddedSimulator.Refusal) {
                try world.simulator.trigger(type, changes: changes)
            } catch {
                throw CaseFault(message: error.description, range: step.range)
            }
            return StepResult(status: 200)
        case .stripeDelivery(let body):
            let value = try value(body)
            let type = value["type"]?.stringValue ?? "event"
            mailbox.post(type, body: (try? JSON.encode(value)) ?? [], webhook: nil)
            return StepResult(status: 200)
        case .pay(let secret, let card):
            return try pay(try text(secret, at: step.range), card: try text(card, at: step.range))
        case .stripeCall(let method, let path, let form):
            let words = try text(path, at: step.range).split(separator: " ", maxSplits: 1)
            let form = try form.map { try scope.evaluate($0) }?.mapValue ?? ValueMap()
            return try stripe(method, String(words.last ?? ""), form, key: "sk_test_dashboard", at: step.range)
        case .advance(let span):
            try await pass(span)
            return StepResult(status: 200)
        }
    }

    private func text(_ template: ValueTemplate, at range: SourceRange) throws -> String {
        let value = try scope.evaluate(template, at: range)
        guard let text = value.stringValue else {
            throw CaseFault(message: "this is \(value.kindName), not a text", range: range)
        }
        return text
    }

    // MARK: Flows

    private func call(_ flow: String, _ input: Value, _ caller: CaseCaller, key: String) async throws -> StepResult {
        do {
            let answer = try await surviving {
                // No time limit: the caller is told when the world has come to rest.
                try await world.engine.callPage(
                    flow,
                    input: input,
                    caller: Caller(id: caller.id, roles: caller.roles),
                    idempotencyKey: key,
                    timeLimit: .zero
                )
            }
            switch answer {
            case .answered(_, let run), .accepted(let run): return StepResult(status: 202, run: run)
            }
        } catch let error as EngineError {
            return StepResult(refusal: error)
        }
    }

    private func start(
        _ flow: String,
        input: ValueMap,
        trigger: Value,
        caller: CaseCaller?
    ) async throws -> StepResult {
        let origin = app.flows[flow]?.trigger?.origin ?? .manual
        let caller = caller.map { Caller(id: $0.id, roles: $0.roles) } ?? .system
        do {
            let run = try await surviving {
                try await world.engine.start(flow, input: input, trigger: trigger, origin: origin, caller: caller)
            }
            return StepResult(status: 202, run: run)
        } catch let error as EngineError {
            return StepResult(refusal: error)
        }
    }

    private func send(
        _ event: String,
        key: String?,
        data: Value,
        _ caller: CaseCaller?,
        number: Int
    ) async throws -> StepResult {
        let caller = caller.map { Caller(id: $0.id, roles: $0.roles) } ?? .system
        do {
            // With a key: a sender whose server died sends it again, and it counts once.
            let receipt = try await surviving {
                try await world.engine.receive(
                    event: event,
                    key: key,
                    data: data,
                    caller: caller,
                    idempotencyKey: "step-\(number)"
                )
            }
            return StepResult(status: 202, output: ["id": .int(receipt.id)])
        } catch let error as EngineError {
            return StepResult(refusal: error)
        }
    }

    // MARK: Stripe

    private func pay(_ secret: String, card: String) throws -> StepResult {
        guard let mark = secret.firstRange(of: "_secret_") else {
            return StepResult(status: 400, error: ["code": "no_client_secret", "message": .string("no client secret")])
        }
        let intent = String(secret[..<mark.lowerBound])
        let form: ValueMap = [
            "client_secret": .string(secret), "payment_method": .string(card),
            "return_url": "https://app.test/done",
        ]
        let kind = intent.hasPrefix("seti_") ? "setup_intents" : "payment_intents"
        let path = "/v1/\(kind)/\(intent)/confirm"
        return try stripe("POST", path, form, key: "pk_test_browser", at: test.range)
    }

    private func stripe(
        _ method: String,
        _ path: String,
        _ form: ValueMap,
        key: String,
        at range: SourceRange
    ) throws -> StepResult {
        let body: String
        do {
            body = try StripeForm.encode(form)
        } catch {
            throw CaseFault(message: "\(error)", range: range)
        }
        let isPost = method == "POST"
        let answer = world.simulator.send(
            method,
            isPost || form.isEmpty ? path : "\(path)?\(body)",
            headers: [
                "authorization": "Bearer \(key)", "content-type": "application/x-www-form-urlencoded",
            ],
            body: isPost ? Array(body.utf8) : []
        )
        let value = (try? JSON.parse(answer.body)) ?? .null
        if answer.status < 400 { return StepResult(status: answer.status, output: value) }
        return StepResult(status: answer.status, error: value["error"] ?? value)
    }

    /// `{payment_intent: {amount: 4200}}` as the simulator's `payment_intent:amount=4200`.
    private static func changes(_ value: Value) -> [String] {
        guard let steps = value.mapValue else { return [] }
        return steps.flatMap { step, inner -> [String] in
            let name = step.stringValue ?? ""
            guard let inner = inner.mapValue else { return ["\(name)=\(text(of: steps[step] ?? .null))"] }
            return leaves(of: inner, below: "").map { "\(name):\($0)" }
        }
    }

    private static func leaves(of map: ValueMap, below prefix: String) -> [String] {
        map.flatMap { key, value -> [String] in
            let path = prefix + (key.stringValue ?? "")
            if let inner = value.mapValue { return leaves(of: inner, below: path + ".") }
            return ["\(path)=\(text(of: value))"]
        }
    }

    private static func text(of value: Value) -> String {
        if let text = value.stringValue { return text }
        return (try? JSON.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

extension Trigger {
    /// What a run is that it starts.
    fileprivate var origin: RunOrigin {
        switch self {
        case .manual: .manual
        case .webhook, .stripe: .webhook
        case .callback: .callback
        case .schedule: .schedule
        case .table: .table
        }
    }
}
