import FlowEngine
import FlowLanguage
import HTTPTypes

/// What a subscription stands on, asked again while it runs: who called, and what they may follow.
///
/// A stream outlives its request by hours. A token that is revoked or expires meanwhile ends it within a heartbeat or two.
struct SubscriptionRight: Sendable {
    /// Of the request's header: a ticket carries the right of whoever asked for it.
    private let authorization: String?
    private let authenticator: Authenticator
    private let app: App

    /// The right of a request's caller; nil when it was given to whoever holds a client secret, which nobody takes back.
    init(of headers: HTTPFields?, authenticator: Authenticator, app: App) {
        authorization = headers?[.authorization]
        self.authenticator = authenticator
        self.app = app
    }

    /// How long a stream goes on before it is asked again.
    static let lifetime = Duration.seconds(15)

    /// Whether rows of a scope may still be shown.
    func covers(_ scope: RowScope) async -> Bool {
        guard let authorization else { return true }
        do {
            let caller = try await authenticator.caller(of: [.authorization: authorization])
            return try RowScope(of: caller, table: scope.table, in: app).isOfSameOwner(as: scope)
        } catch is Problem {
            return false
        } catch {
            return true  // A store that cannot be read now has nothing to show either.
        }
    }
}
