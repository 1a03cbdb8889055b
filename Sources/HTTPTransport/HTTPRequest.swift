/// One HTTP request: what is sent, and the bounds within which an answer is waited for.
///
/// Redirects are never followed; a 3xx is an answer like any other. `description` shows the method and the origin
/// alone, because the rest of a request carries credentials and personal data.
package struct HTTPRequest: Sendable {
    /// Whether the transport may send the request again by itself.
    ///
    /// A connection that is kept open may have been closed by the peer in the moment in which it is used again. The
    /// transport then knows only that no answer came, not whether the request was acted upon. RFC 9110 section 9.2.2
    /// allows a repetition for idempotent methods, or when the sender knows that repeating does no harm.
    package enum Resending: Sendable, Hashable {
        /// GET, HEAD, OPTIONS, TRACE, PUT and DELETE may be repeated, every other method is not.
        case idempotentMethods
        /// Any method may be repeated: the request carries an idempotency key that the service honours.
        case always
        /// Nothing is repeated.
        case never
    }

    /// A token in the sense of RFC 9110, case-sensitive, usually upper case.
    package var method: String
    /// An absolute `http` or `https` URL in ASCII, percent-encoded by the caller, without user name and password.
    package var url: String
    /// Sent in this order.
    ///
    /// Fields that frame the message (`Content-Length` and the like) are the transport's own.
    package var headers: HTTPHeaders
    /// Sent with a `Content-Length`; a `Content-Type` is sent only when `headers` names one.
    package var body: [UInt8]
    /// From `send` to the last byte of the answer, waiting for a free place included.
    ///
    /// More than zero.
    package var timeout: Duration
    /// Resolving the name, connecting and the TLS handshake together.
    ///
    /// More than zero.
    package var connectTimeout: Duration
    /// The most bytes of body that an answer may have, those that decompression unfolds included.
    package var responseBytesMax: Int
    /// Whether the peer is asked for gzip or deflate and the answer's body is given unfolded.
    package var decompresses: Bool
    /// Path of a unix socket to connect to in place of the URL's host, which is then only named to the peer.
    package var unixSocket: String?
    /// Which addresses may be connected to.
    package var addressPolicy: AddressPolicy
    /// Whether a reused connection that dies before the first byte of the answer leads to a second sending.
    package var resending: Resending

    /// A request with the house's bounds: 80 s in all, 10 s to connect, 16 MiB of answer.
    package init(
        method: String = "GET",
        url: String,
        headers: HTTPHeaders = [:],
        body: [UInt8] = [],
        timeout: Duration = .seconds(80),
        connectTimeout: Duration = .seconds(10),
        responseBytesMax: Int = 16 << 20,
        decompresses: Bool = false,
        unixSocket: String? = nil,
        addressPolicy: AddressPolicy = .any,
        resending: Resending = .idempotentMethods
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.connectTimeout = connectTimeout
        self.responseBytesMax = responseBytesMax
        self.decompresses = decompresses
        self.unixSocket = unixSocket
        self.addressPolicy = addressPolicy
        self.resending = resending
    }

    var mayBeRepeated: Bool {
        switch resending {
        case .always: true
        case .never: false
        case .idempotentMethods: ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"].contains(method)
        }
    }
}

extension HTTPRequest: CustomStringConvertible, CustomDebugStringConvertible {
    /// Method and origin: `POST https://api.stripe.com:443`.
    package var description: String {
        let origin = (try? HTTPOrigin(ofURL: url))?.description ?? "(no usable URL)"  // Only its text is lost.
        return "\(HTTPRequestCheck.isToken(method) ? method : "(no method)") \(origin)"
    }

    /// The same as `description`.
    package var debugDescription: String { description }
}
