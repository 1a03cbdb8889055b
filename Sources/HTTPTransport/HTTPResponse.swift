/// A whole answer, any status: a 500 is an answer and not an error of the transport.
package struct HTTPResponse: Sendable, Hashable {
    /// 200…599 in practice; interim answers (1xx) are passed over.
    package var status: Int
    /// As received, trailers left out.
    package var headers: HTTPHeaders
    /// The bytes as sent, unless the request said `decompresses`.
    package var body: [UInt8]
    /// The request was written more than once: a connection that was used before broke at the first.
    package var wasRepeated = false

    /// An answer made by hand, for those that stand in for a service.
    package init(status: Int, headers: HTTPHeaders = [:], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }
}

extension HTTPResponse: CustomStringConvertible, CustomDebugStringConvertible {
    /// Status and size, never content.
    package var description: String { "\(status) (\(body.count) bytes)" }

    /// The same as `description`.
    package var debugDescription: String { description }
}
