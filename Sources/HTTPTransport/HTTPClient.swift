/// An HTTP client: a pool of connections behind one `async` call.
///
/// Construct one for the process and share it. Nothing runs until the first request; then one thread carries every
/// transfer. HTTP/2 is used over TLS where the peer offers it, certificates are always checked, redirects are never
/// followed, cookies are never kept, and no environment variable (proxy settings above all) has a say.
package final class HTTPClient: Sendable {
    /// What holds for every request of a client.
    package struct Configuration: Sendable {
        /// A proxy that every request goes through, but those that may reach loopback addresses alone.
        package struct Proxy: Sendable {
            /// `http://host:port`, `https://…` or `socks5h://…`; may hold credentials, so it is never shown.
            package var url: String
            /// Whether the proxy itself refuses inner addresses.
            ///
            /// If not, requests with `.publicOnly` are refused, because through a proxy the address that is connected
            /// to cannot be seen.
            package var refusesInnerAddresses: Bool

            package init(url: String, refusesInnerAddresses: Bool = false) {
                self.url = url
                self.refusesInnerAddresses = refusesInnerAddresses
            }
        }

        /// Sent as `User-Agent` where a request has none.
        package var userAgent = "runnel"
        /// The most requests under way at once, each of which may hold a connection.
        ///
        /// 256 leaves the usual limit of 1,024 file descriptors to the rest of the process.
        package var transfersMax = 256
        /// The most requests that wait for a place; beyond them `send` throws `.overloaded`.
        package var waitingMax = 4_096
        /// The most unused connections kept open.
        package var idleConnectionsMax = 64
        /// The longest time for which an unused connection is kept; below the 60 s after which many servers close.
        package var idleTime = Duration.seconds(50)
        /// The most bytes of status lines and header fields of one answer, interim answers and trailers included.
        package var responseHeadBytesMax = 128 << 10
        /// A PEM file of the authorities to trust in place of the system's.
        package var certificateAuthorityFile: String?
        /// No proxy unless one is set here.
        package var proxy: Proxy?

        /// The defaults stated at each property.
        package init() {}
    }

    private let driver: TransferDriver

    /// A client that has not started anything yet.
    package init(configuration: Configuration = .init()) {
        driver = TransferDriver(configuration: configuration)
    }

    deinit { driver.stop() }

    /// Sends a request and waits for the whole answer.
    ///
    /// Any status is an answer. A cancelled task gets `.cancelled` as soon as the transfer is taken down; whether the
    /// request had left by then is in `requestMayHaveBeenSent`.
    ///
    /// - Throws: `HTTPError`; `requestMayHaveBeenSent` is false only if the peer cannot have received any of it.
    package func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        let origin = try HTTPRequestCheck.origin(of: request)
        guard !Task.isCancelled else { throw HTTPError(.cancelled, requestMayHaveBeenSent: false) }
        let number = driver.nextNumber()
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                driver.submit(Submission(number: number, request: request, origin: origin, caller: continuation))
                // The handler below may have run before there was anything to cancel.
                if Task.isCancelled { driver.cancel(number) }
            }
        } onCancel: {
            driver.cancel(number)
        }
        return try outcome.get()
    }

    /// Ends every request under way with `.shutDown`, closes all connections and ends the thread.
    ///
    /// Returns when that is done. Later requests throw `.shutDown`; a second call returns at once or with the first.
    package func shutdown() async {
        await withCheckedContinuation { continuation in
            driver.stop(then: continuation)
        }
    }
}
