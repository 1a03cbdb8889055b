import FlowEngine
import FlowLanguage
import HTTPTypes

/// Decides whether a delivery to a web hook may come in.
struct HookAuthentication: Sendable {
    let authenticator: Authenticator
    let signatures: HookSignatures

    /// What can be known before the body is read.
    ///
    /// A bearer hook takes the roles of the flow's `access`; none written: admin alone, as for pages.
    ///
    /// - Returns: Whom the run belongs to: the token's caller, else the runtime itself.
    func checkHead(_ flow: FlowGraph, _ trigger: WebhookTrigger, headers: HTTPFields) async throws -> Caller {
        guard trigger.authentication == .bearer else { return .system }
        let caller = try await authenticator.caller(of: headers)
        guard caller.id != nil, caller.isAllowed(flow.access) else { throw Problem.forbidden(to: caller) }
        return caller
    }

    /// What is known once the body is there.
    func checkBody(_ flow: FlowGraph, _ trigger: WebhookTrigger, headers: [String: String], body: [UInt8]) throws {
        switch trigger.authentication {
        case .none, .bearer: return
        case .stripe, .hmac, .standardWebhooks:
            try signatures.verify(trigger.authentication, flow: flow.name, headers: headers, body: body)
        }
    }
}
