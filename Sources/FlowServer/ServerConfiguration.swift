/// Where the server listens, whom it lets in, and how much it takes.
package struct ServerConfiguration: Sendable {
    /// A loopback address unless told otherwise.
    package var host: String
    /// 0: a free port, told by `RuntimeServer.onReady`.
    package var port: Int
    /// Path of the unix socket for administration, as `AdminSocket.path(forDataFolder:)` gives it; nil: none.
    package var adminSocket: String?
    /// How long a page call waits for its answer before it gets 202.
    package var pageTimeLimit: Duration
    /// How long a caller still waits for a run after a stop was asked for; then it gets 202.
    package var answerGrace: Duration
    /// How long a stop may take, longer than `answerGrace`; what is still going on then is cancelled.
    package var stopTimeLimit: Duration
    /// Host names, besides those of the loopback interface, under which the server may be called: `shop.example.com`.
    package var publicHosts: [String]
    /// Origins of pages that may call from a browser, besides the server's own: `https://shop.example.com`.
    package var allowedOrigins: [String]
    /// Checks JSON Web Tokens; nil: none are taken.
    package var tokens: TokenVerifier?
    /// What the app's `public` folder holds.
    package var files: PublicFiles
    /// Where pages get Stripe's script from.
    package var stripe: StripeScriptPlace
    package var limits: Limits

    package init(
        host: String = "127.0.0.1",
        port: Int = 8787,
        adminSocket: String? = nil,
        pageTimeLimit: Duration = .seconds(30),
        answerGrace: Duration = .seconds(5),
        stopTimeLimit: Duration = .seconds(10),
        publicHosts: [String] = [],
        allowedOrigins: [String] = [],
        tokens: TokenVerifier? = nil,
        files: PublicFiles = .none,
        stripe: StripeScriptPlace = .stripe,
        limits: Limits = Limits()
    ) {
        self.host = host
        self.port = port
        self.adminSocket = adminSocket
        self.pageTimeLimit = pageTimeLimit
        self.answerGrace = answerGrace
        self.stopTimeLimit = stopTimeLimit
        self.publicHosts = publicHosts
        self.allowedOrigins = allowedOrigins
        self.tokens = tokens
        self.files = files
        self.stripe = stripe
        self.limits = limits
    }

    /// The listener's own address as a Host header writes it: a version 6 address stands in brackets.
    var hostAsNamed: String { host.contains(":") ? "[\(host)]" : host }

    /// Everything about a request that could grow.
    package struct Limits: Sendable {
        /// Bytes of a page call's body: an input is a form, not a file.
        package var pageBodyBytes: Int
        /// Bytes of a web hook's body: Stripe's largest events stay far below.
        package var hookBodyBytes: Int
        /// Bytes of one header, and of all headers of a request.
        package var headerBytes: Int
        package var headerCount: Int
        /// Requests in progress; a further one gets 503.
        package var concurrentRequests: Int
        /// Open connections; further ones wait in the backlog.
        package var connections: Int
        /// Objects and lists inside one another in a JSON body.
        package var jsonDepth: Int
        /// How long a body may take to arrive.
        package var bodyTimeLimit: Duration
        /// How long a new connection may take to ask for something.
        package var silenceTimeLimit: Duration
        /// How long an idle connection is kept.
        package var idleTimeLimit: Duration
        /// Rows and runs in one answer.
        package var listLength: Int
        /// Callers that follow tables at once, and those of one caller; each holds a connection.
        package var subscribers: Int
        package var subscribersPerCaller: Int
        /// Tickets that are out; the oldest go first.
        package var tickets: Int

        package init(
            pageBodyBytes: Int = 1 << 20,
            hookBodyBytes: Int = 512 << 10,
            headerBytes: Int = 32 << 10,
            headerCount: Int = 100,
            concurrentRequests: Int = 1024,
            connections: Int = 2048,
            jsonDepth: Int = 32,
            bodyTimeLimit: Duration = .seconds(20),
            silenceTimeLimit: Duration = .seconds(20),
            idleTimeLimit: Duration = .seconds(75),
            listLength: Int = 200,
            subscribers: Int = 1_500,
            subscribersPerCaller: Int = 200,
            tickets: Int = 10_000
        ) {
            self.pageBodyBytes = pageBodyBytes
            self.hookBodyBytes = hookBodyBytes
            self.headerBytes = headerBytes
            self.headerCount = headerCount
            self.concurrentRequests = concurrentRequests
            self.connections = connections
            self.jsonDepth = jsonDepth
            self.bodyTimeLimit = bodyTimeLimit
            self.silenceTimeLimit = silenceTimeLimit
            self.idleTimeLimit = idleTimeLimit
            self.listLength = listLength
            self.subscribers = subscribers
            self.subscribersPerCaller = subscribersPerCaller
            self.tickets = tickets
        }
    }
}
