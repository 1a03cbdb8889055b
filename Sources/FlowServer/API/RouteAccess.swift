/// Who may reach a route; each says so where it is added, and the access matrix tries all of them.
enum RouteAccess: String, Sendable, Hashable, CaseIterable {
    /// Anybody: it tells nothing of anybody.
    case anyone
    /// Whom the flow lets in: `access:` of a page or a bearer hook, a good signature of a signed one.
    case flow
    /// Roles as `access:` of the event says.
    case event
    /// Whoever signs with the web hook's secret.
    case signature
    /// The caller whose object it is, and admins.
    case owner
    /// Roles and rows as `access:` of the table says.
    case table
    /// The admin socket alone: whoever can open it owns the data.
    case socket
}
