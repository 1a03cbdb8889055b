import Hummingbird
import Logging

/// What handlers get along with a request.
struct ServerRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage

    init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
    }

    /// Names the request in the answer and in the log.
    var requestID: String { logger[metadataKey: "hb.request.id"].map(\.description) ?? "none" }
}
