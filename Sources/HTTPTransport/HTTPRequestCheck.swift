/// Checks a request before anything of it is handed to libcurl, which would send much of it as it stands.
enum HTTPRequestCheck {
    /// Fields that frame the message or change the protocol: two opinions about them are how requests are smuggled.
    private static let ownFields = ["content-length", "transfer-encoding", "expect", "upgrade", "te", "trailer"]

    static let urlBytesMax = 64 << 10
    static let headBytesMax = 64 << 10

    /// The origin that the request goes to; throws `.malformedRequest` for what must not be sent.
    static func origin(of request: HTTPRequest) throws(HTTPError) -> HTTPOrigin {
        let origin = try HTTPOrigin(ofURL: request.url)
        let fault = { (reason: String) in HTTPError.malformedRequest(reason, authority: origin.authority) }
        guard isToken(request.method) else { throw fault("the method is not a token") }
        guard request.method != "CONNECT" else { throw fault("CONNECT is not a method for requests") }
        guard request.method != "HEAD" || request.body.isEmpty else { throw fault("HEAD has no body") }
        var headBytes = 0
        for (name, value) in request.headers.pairs {
            guard isToken(name) else { throw fault("a header's name is not a token") }
            guard isFieldValue(value) else { throw fault("the value of header \(name) holds a control character") }
            guard !ownFields.contains(name.lowercased()) else {
                throw fault("header \(name) is set by the transport alone")
            }
            headBytes += name.utf8.count + value.utf8.count + 4
        }
        guard headBytes <= headBytesMax else { throw fault("the headers are larger than \(headBytesMax) bytes") }
        guard request.timeout > .zero, request.connectTimeout > .zero else {
            throw fault("a timeout is not more than zero")
        }
        guard request.responseBytesMax >= 0 else { throw fault("responseBytesMax is negative") }
        if let path = request.unixSocket {
            // A sockaddr_un holds 108 bytes with the final zero.
            guard !path.isEmpty, path.utf8.count <= 107, !path.utf8.contains(0) else {
                throw fault("the unix socket's path is empty or longer than 107 bytes")
            }
        }
        return origin
    }

    /// Whether the text is a token of RFC 9110 section 5.6.2.
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 256
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"): true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    /// Whether the text has no control character but the tab: no CR or LF can start a second field.
    private static func isFieldValue(_ text: String) -> Bool {
        text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
    }
}
