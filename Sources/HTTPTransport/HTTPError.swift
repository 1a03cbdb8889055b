/// Why there is no answer, and whether the request may have reached the peer all the same.
package struct HTTPError: Error, Hashable, CustomStringConvertible {
    /// What went wrong.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// No connection came about: refused, unreachable, or not within the connect timeout.
        case couldNotConnect
        /// The host's name has no address.
        case hostNotFound
        /// `timeout` passed after a connection stood.
        case timedOut
        /// The connection broke before the answer was whole. A new attempt may succeed.
        case connectionLost
        /// The peer's certificate was not accepted, or no TLS version was agreed on.
        case tls
        /// The answer's head or body is larger than allowed.
        case responseTooLarge
        /// What came back is not HTTP.
        case malformedResponse
        /// The address to connect to is not one that `addressPolicy` allows.
        case addressRefused
        /// The calling task was cancelled.
        case cancelled
        /// The request itself is faulty; nothing was sent, and sending it again will not help.
        case malformedRequest
        /// As many requests as allowed are waiting already; nothing was sent.
        case overloaded
        /// The client was shut down.
        case shutDown
        /// libcurl could not work: out of memory or a fault in its use.
        case unusable
    }

    /// What went wrong.
    package let code: Code
    /// False only if no byte of the request can have reached the peer; true is "possibly", not "surely".
    package let requestMayHaveBeenSent: Bool
    /// Host and port, or an empty text if the URL has none.
    package let authority: String
    /// libcurl's own words.
    ///
    /// Not in `description`, because they may quote what the peer sent.
    package let detail: String

    package init(_ code: Code, requestMayHaveBeenSent: Bool, authority: String = "", detail: String = "") {
        self.code = code
        self.requestMayHaveBeenSent = requestMayHaveBeenSent
        self.authority = authority
        self.detail = detail
    }

    /// A sentence for logs: host and port are named, the URL's path and query, headers and bodies never.
    package var description: String {
        let place = authority.isEmpty ? "" : " (\(authority))"
        return "http: \(sentence)\(place)" + (requestMayHaveBeenSent ? "; the request may have been sent" : "")
    }

    private var sentence: String {
        switch code {
        case .couldNotConnect: "could not connect"
        case .hostNotFound: "the host's name has no address"
        case .timedOut: "no complete answer within the time allowed"
        case .connectionLost: "the connection was lost before the answer was complete"
        case .tls: "no trusted TLS connection"
        case .responseTooLarge: "the answer is larger than allowed"
        case .malformedResponse: "the answer is not valid HTTP"
        case .addressRefused: "the host's address is not one that this request may connect to"
        case .cancelled: "cancelled"
        case .malformedRequest: detail.isEmpty ? "the request is not valid" : "the request is not valid: \(detail)"
        case .overloaded: "too many requests are waiting"
        case .shutDown: "the client is shut down"
        case .unusable: "libcurl could not work"
        }
    }
}

extension HTTPError {
    /// A fault of the request itself.
    ///
    /// `reason` is shown, so it must quote nothing of the request.
    static func malformedRequest(_ reason: String, authority: String = "") -> HTTPError {
        HTTPError(.malformedRequest, requestMayHaveBeenSent: false, authority: authority, detail: reason)
    }
}
