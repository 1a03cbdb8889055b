/// One operation: where it is, what it takes, what it does.
struct Route: Sendable {
    typealias Handler = @Sendable (inout Ledger, Call) throws(StripeError) -> JSONObject

    enum Access: Sendable {
        /// Secret and restricted keys alone.
        case secret
        /// Also what Stripe.js may do: a publishable key, with the object's client secret where it has one.
        case browser
    }

    let method: String
    /// Segments after `/v1/`, or all of them under `/v2/`; one that begins with a colon stands for an id.
    let segments: [String]
    let parameters: ParameterList
    let access: Access
    let handler: Handler

    init(_ method: String, _ path: String, _ notation: String, _ access: Access = .secret, _ handler: @escaping Handler)
    {
        self.method = method
        self.segments = path.split(separator: "/").map(String.init)
        var list = ParameterList(notation).adding("expand:a")
        if access == .browser { list = list.adding("client_secret:s key:s _stripe_account:s _stripe_version:s") }
        self.parameters = list
        self.access = access
        self.handler = handler
    }

    /// A list operation: the paging parameters come by themselves.
    static func list(_ path: String, _ notation: String, _ handler: @escaping Handler) -> Route {
        Route("GET", path, notation + " limit:i starting_after:s ending_before:s", .secret, handler)
    }

    static func get(_ path: String, _ notation: String = "", _ access: Access = .secret, _ handler: @escaping Handler)
        -> Route
    { Route("GET", path, notation, access, handler) }

    static func post(_ path: String, _ notation: String = "", _ access: Access = .secret, _ handler: @escaping Handler)
        -> Route
    { Route("POST", path, notation, access, handler) }

    static func delete(_ path: String, _ notation: String = "", _ handler: @escaping Handler) -> Route {
        Route("DELETE", path, notation, .secret, handler)
    }

    /// The ids in a path of this route; nil when the path is another one's.
    func match(_ path: [String]) -> [String]? {
        guard path.count == segments.count else { return nil }
        var ids: [String] = []
        for (segment, part) in zip(segments, path) {
            if segment.hasPrefix(":") { ids.append(part) } else if segment != part { return nil }
        }
        return ids
    }
}

/// All operations, found by method, first segment and length.
struct RouteTable: Sendable {
    private var routes: [String: [Route]] = [:]

    static let all = RouteTable([
        Ledger.paymentIntentRoutes, Ledger.chargeRoutes, Ledger.directChargeRoutes, Ledger.refundRoutes,
        Ledger.customerRoutes,
        Ledger.customerBalanceRoutes,
        Ledger.paymentMethodRoutes, Ledger.balanceRoutes, Ledger.eventRoutes, Ledger.webhookEndpointRoutes,
        Ledger.disputeRoutes, Ledger.setupIntentRoutes, Ledger.productRoutes, Ledger.priceRoutes, Ledger.couponRoutes,
        Ledger.promotionCodeRoutes,
        Ledger.invoiceRoutes, Ledger.invoiceLineRoutes, Ledger.invoiceItemRoutes, Ledger.subscriptionRoutes,
        Ledger.subscriptionItemRoutes,
        Ledger.testClockRoutes, Ledger.checkoutRoutes, Ledger.paymentLinkRoutes, Ledger.planRoutes, Ledger.payoutRoutes,
        Ledger.creditNoteRoutes, Ledger.sourceRoutes, Ledger.accountRoutes, Ledger.eventDestinationRoutes,
        Ledger.rareRoutes, Ledger.paymentPageRoutes,
    ])

    init(_ groups: [[Route]]) {
        for route in groups.joined() {
            // A literal segment wins over an id in the same place: `/v1/customers/search`.
            let key = Self.key(route.method, route.segments)
            if route.segments.count > 1, !route.segments[1].hasPrefix(":") {
                routes[key, default: []].insert(route, at: 0)
            } else {
                routes[key, default: []].append(route)
            }
        }
    }

    /// Every operation.
    var everything: [Route] { routes.sorted { $0.key < $1.key }.flatMap(\.value) }

    private static func key(_ method: String, _ path: [String]) -> String {
        "\(method) \(path.first ?? "") \(path.count)"
    }

    func find(_ method: String, _ path: [String]) -> (route: Route, ids: [String])? {
        for route in routes[Self.key(method, path)] ?? [] {
            if let ids = route.match(path) { return (route, ids) }
        }
        return nil
    }
}
