import FlowEngine
import HTTPTypes

/// Finds out who calls: by `Authorization: Bearer` alone, no other header names anybody.
struct Authenticator: Sendable {
    let store: any Store
    /// A role that the app no longer declares is granted no more.
    let roles: Set<String>
    /// Checks tokens that somebody else issued; nil: none are taken.
    var verifier: TokenVerifier?
    var clock: any FlowEngine.Clock

    /// - Returns: The token's caller; anonymous when the request has no token.
    /// - Throws: `Problem` 401 for a token that is not known or revoked, and for another scheme; `StoreError`.
    func caller(of headers: HTTPFields) async throws -> Caller {
        let values = headers[values: .authorization]
        guard let value = values.first else { return .anonymous }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard values.count == 1, parts.count == 2, parts[0].lowercased() == "bearer" else { throw Problem.invalidToken }
        if let verifier, TokenVerifier.isToken(String(parts[1])) {
            do throws(TokenVerifier.Refusal) {
                let caller = try verifier.caller(of: String(parts[1]), now: clock.now())
                return Caller(id: caller.id, roles: caller.roles.filter(roles.contains))
            } catch {
                throw Problem.invalidToken
            }
        }
        guard let token = AccessToken(String(parts[1])) else { throw Problem.invalidToken }
        let hash = token.hash
        let record = try await store.read { reader throws(StoreError) in try reader.token(hash: hash) }
        guard let record, record.revokedAt == nil else { throw Problem.invalidToken }
        return Caller(id: record.caller.id, roles: record.caller.roles.filter(roles.contains))
    }
}
