import Hummingbird
import Logging
import NIOCore

/// What handlers get along with a request.
struct ServerRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage

    /// The connection that the request came by.
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        channel = source.channel
        coreContext = CoreRequestContextStorage(source: source)
    }

    /// Names the request in the answer and in the log.
    var requestID: String { logger[metadataKey: "hb.request.id"].map(\.description) ?? "none" }
}
