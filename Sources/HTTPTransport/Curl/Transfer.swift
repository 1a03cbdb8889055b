import CCurl
import Foundation

/// One request under way: its easy handle and what has come back so far.
///
/// Belongs to the transfer thread.
final class Transfer {
    let number: UInt64
    private let request: HTTPRequest
    private let origin: HTTPOrigin
    private let caller: CheckedContinuation<Result<HTTPResponse, HTTPError>, Never>
    private let headBytesMax: Int
    /// False behind a proxy that is trusted to refuse inner addresses itself.
    private let checksAddress: Bool

    private var handle: EasyHandle
    private var answer = ResponseReader()
    /// How often libcurl has stood before writing the request: never means that the peer has seen none of it.
    private var beginnings = 0
    /// Why this side ended the transfer, where libcurl only knows that a callback did.
    private var refusal: HTTPError.Code?
    /// An address of the host is not allowed; no failure as long as another one is and answers.
    private var sawRefusedAddress = false

    init(
        _ submission: Submission,
        timeout: Duration,
        configuration: HTTPClient.Configuration
    ) throws(HTTPError) {
        let request = submission.request
        let authority = submission.origin.authority
        let proxy = request.addressPolicy == .loopbackOnly || request.unixSocket != nil ? nil : configuration.proxy
        if request.addressPolicy.isGuard && proxy?.refusesInnerAddresses == false
            || request.unixSocket != nil && !request.addressPolicy.allowsUnixSockets
        {
            throw HTTPError(.addressRefused, requestMayHaveBeenSent: false, authority: authority)
        }
        guard let handle = EasyHandle() else {
            throw HTTPError(.unusable, requestMayHaveBeenSent: false, authority: authority)
        }
        self.number = submission.number
        self.request = request
        self.origin = submission.origin
        self.caller = submission.caller
        self.headBytesMax = configuration.responseHeadBytesMax
        self.checksAddress = proxy == nil && request.unixSocket == nil
        self.handle = handle
        do {
            try handOverCallbacks()
            try handOverBounds(timeout: timeout, idleTime: configuration.idleTime)
            try handOverConnection(proxy: proxy, configuration: configuration)
            try handOverMessage(userAgent: configuration.userAgent)
        } catch {
            let detail = "option \(error.option.rawValue): \(String(cString: curl_easy_strerror(error.code)))"
            throw HTTPError(.unusable, requestMayHaveBeenSent: false, authority: authority, detail: detail)
        }
    }

    var easyPointer: UnsafeMutableRawPointer { handle.pointer }

    /// Resumes the caller with what libcurl made of the transfer, which has been removed from the multi handle.
    func end(_ code: CURLcode) {
        if let refusal { return fail(refusal) }
        if sawRefusedAddress, code == CURLE_COULDNT_CONNECT { return fail(.addressRefused) }
        // One code of libcurl's stands for every timeout; before a connection stands, that is what was missing.
        if code == CURLE_OPERATION_TIMEDOUT, beginnings == 0 { return fail(.couldNotConnect) }
        // libcurl 7 says "out of memory" of a header line beyond its own limit of 100 KiB; libcurl 8 has a code for it.
        if code == CURLE_OUT_OF_MEMORY, beginnings > 0, answer.response == nil { return fail(.responseTooLarge) }
        guard code == CURLE_OK else { return fail(Self.meaning(of: code)) }
        guard var response = answer.response else { return fail(.malformedResponse) }
        response.wasRepeated = beginnings > 1
        caller.resume(returning: .success(response))
    }

    /// Resumes the caller with an error; the transfer has been removed from the multi handle.
    func fail(_ code: HTTPError.Code) {
        let error = HTTPError(
            code,
            requestMayHaveBeenSent: beginnings > 0,
            authority: origin.authority,
            detail: handle.failureText
        )
        caller.resume(returning: .failure(error))
    }

    private static func meaning(of code: CURLcode) -> HTTPError.Code {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .hostNotFound
        case CURLE_COULDNT_CONNECT, CURLE_PROXY, CURLE_INTERFACE_FAILED: .couldNotConnect
        case CURLE_OPERATION_TIMEDOUT: .timedOut
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CIPHER, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_ENGINE_INITFAILED, CURLE_USE_SSL_FAILED:
            .tls
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2,
            CURLE_HTTP2_STREAM, CURLE_SEND_FAIL_REWIND:
            .connectionLost
        case CURLE_FILESIZE_EXCEEDED: .responseTooLarge
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL, CURLE_BAD_CONTENT_ENCODING: .malformedResponse
        case CURLE_URL_MALFORMAT: .malformedRequest
        default: .unusable
        }
    }
}

// MARK: What libcurl calls back, on the transfer thread

extension Transfer {
    private static func from(_ context: UnsafeMutableRawPointer) -> Transfer {
        Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    }

    /// The loop holds the transfer for as long as libcurl holds this pointer.
    private func handOverCallbacks() throws(EasyHandle.Refusal) {
        let context = UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
        try handle.set(CURLOPT_WRITEDATA, context)
        try handle.setReceive(CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            guard let bytes, let context else { return 0 }
            return Transfer.from(context).receiveBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        try handle.set(CURLOPT_HEADERDATA, context)
        try handle.setReceive(CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            guard let bytes, let context else { return 0 }
            return Transfer.from(context).receiveHead(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        try handle.set(CURLOPT_OPENSOCKETDATA, context)
        try handle.setOpenSocket { context, _, address in
            guard let context, let address else { return CURL_SOCKET_BAD }
            return Transfer.from(context).openSocket(to: address)
        }
        try handle.set(CURLOPT_PREREQDATA, context)
        try handle.setBeforeRequest { context, peer, _, _, _ in
            guard let context else { return CURL_PREREQFUNC_ABORT }
            let mayBegin = Transfer.from(context).mayBegin(peer: peer.map { String(cString: $0) } ?? "")
            return mayBegin ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
        }
    }

    /// Returns how many bytes were taken; any other number than `bytes.count` ends the transfer.
    private func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes.count <= request.responseBytesMax - answer.bodyBytes else {
            refusal = .responseTooLarge
            return 0
        }
        answer.receiveBody(bytes)
        return bytes.count
    }

    private func receiveHead(_ line: UnsafeRawBufferPointer) -> Int {
        guard line.count <= headBytesMax - answer.headBytes else {
            refusal = .responseTooLarge
            return 0
        }
        answer.receiveHeadLine(line)
        return line.count
    }

    /// Opens a socket, unless the address that libcurl is about to connect to is not allowed.
    private func openSocket(to address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        if checksAddress {
            guard let peer = IPAddress(address), request.addressPolicy.allows(peer) else {
                sawRefusedAddress = true
                return CURL_SOCKET_BAD
            }
        }
        // Close-on-exec: the sockets must not stay open in the code workers that this process starts.
        let type = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
        return socket(address.pointee.family, type, address.pointee.protocol)
    }

    /// Called when a connection stands, new or used before, and libcurl is about to write the request.
    ///
    /// Here a second beginning is stopped where the request must not be repeated, and a connection that another
    /// request opened under a looser address policy is not used.
    private func mayBegin(peer: String) -> Bool {
        if checksAddress, request.addressPolicy != .any {
            guard let address = IPAddress(text: peer), request.addressPolicy.allows(address) else {
                refusal = .addressRefused
                return false
            }
        }
        guard beginnings == 0 || request.mayBeRepeated else {
            refusal = .connectionLost
            return false
        }
        beginnings += 1
        return true
    }
}

// MARK: What libcurl is told

extension Transfer {
    private func handOverBounds(timeout: Duration, idleTime: Duration) throws(EasyHandle.Refusal) {
        try handle.set(CURLOPT_NOSIGNAL, 1)
        try handle.set(CURLOPT_TIMEOUT_MS, max(1, timeout.milliseconds))
        try handle.set(CURLOPT_CONNECTTIMEOUT_MS, max(1, request.connectTimeout.milliseconds))
        try handle.set(CURLOPT_MAXAGE_CONN, max(1, idleTime.milliseconds / 1_000))
        // An answer to HEAD names the size of a body that does not come.
        if request.method != "HEAD" {
            try handle.set(CURLOPT_MAXFILESIZE_LARGE, offset: request.responseBytesMax)
        }
        // Taking a transfer down must not wait for a name server; its thread ends by itself.
        try handle.set(CURLOPT_QUICK_EXIT, 1)
    }

    private func handOverConnection(
        proxy: HTTPClient.Configuration.Proxy?,
        configuration: HTTPClient.Configuration
    ) throws(EasyHandle.Refusal) {
        try handle.set(CURLOPT_PROTOCOLS_STR, "http,https")
        try handle.set(CURLOPT_FOLLOWLOCATION, 0)
        try handle.set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS)
        try handle.set(CURLOPT_TCP_NODELAY, 1)
        try handle.set(CURLOPT_SSL_VERIFYPEER, 1)
        try handle.set(CURLOPT_SSL_VERIFYHOST, 2)
        try handle.set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        if let file = configuration.certificateAuthorityFile {
            try handle.set(CURLOPT_CAINFO, file)
        }
        // An empty text means no proxy, and that the environment is not asked for one.
        try handle.set(CURLOPT_PROXY, proxy?.url ?? "")
        try handle.set(CURLOPT_NOPROXY, proxy == nil ? "*" : "")
        try handle.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        if let path = request.unixSocket {
            try handle.set(CURLOPT_UNIX_SOCKET_PATH, path)
        }
    }

    private func handOverMessage(userAgent: String) throws(EasyHandle.Refusal) {
        try handle.set(CURLOPT_URL, request.url)
        // Names the encodings to the peer, and has libcurl undo them; what they unfold to counts against the bound.
        if request.decompresses { try handle.set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate") }
        // A path is the caller's affair: `/../` is sent as it is written and signed.
        try handle.set(CURLOPT_PATH_AS_IS, 1)
        let sendsBody = !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method)
        if request.method == "HEAD" {
            try handle.set(CURLOPT_NOBODY, 1)
        } else if sendsBody {
            try handle.set(CURLOPT_POST, 1)
            try handle.setBody(request.body)
        }
        try handle.set(CURLOPT_CUSTOMREQUEST, request.method)
        // libcurl would ask before sending a large body and wait a second for the answer.
        var lines = ["Expect:"]
        // libcurl's own content type is that of forms; none is better than a wrong one.
        if request.headers["Content-Type"] == nil { lines.append("Content-Type:") }
        if request.headers["User-Agent"] == nil { lines.append("User-Agent: \(userAgent)") }
        for (name, value) in request.headers.pairs {
            lines.append(value.isEmpty ? "\(name);" : "\(name): \(value)")
        }
        try handle.setHeaderLines(lines)
    }
}

extension IPAddress {
    /// From what libcurl is about to connect to; nil for other families than IPv4 and IPv6.
    fileprivate init?(_ address: UnsafeMutablePointer<curl_sockaddr>) {
        guard let start = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return nil }
        let length = Int(address.pointee.addrlen)
        // libcurl stores longer addresses than `sockaddr` in the same place; `addrlen` says how long.
        let bytes = UnsafeRawBufferPointer(start: UnsafeRawPointer(address) + start, count: length)
        switch address.pointee.family {
        case AF_INET where length >= 8: self.init(bytes[4..<8])
        case AF_INET6 where length >= 24: self.init(bytes[8..<24])
        default: return nil
        }
    }

    /// From the text of an address, as libcurl gives it.
    fileprivate init?(text: String) {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 {
            self.init(bytes.prefix(4))
        } else if inet_pton(AF_INET6, text, &bytes) == 1 {
            self.init(bytes)
        } else {
            return nil
        }
    }
}
