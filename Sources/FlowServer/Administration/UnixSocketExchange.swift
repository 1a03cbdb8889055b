import Foundation

/// One HTTP exchange over a unix socket, blocking: connect, send, read to the end.
///
/// The other side is our own server, so only what it sends is understood: a status, headers, and a body of the length
/// it tells. libcurl and Hummingbird's parts are left out on purpose: a command must start in milliseconds.
struct UnixSocketExchange {
    private static let longestAnswer = 64 << 20

    var path: String
    var method: String
    var target: String
    var contentType: String?
    var body: [UInt8]
    /// Seconds without a byte after which the server is taken for gone.
    var longestSilence = 60

    struct Answer {
        var status: Int
        var body: [UInt8]
    }

    func run() throws(AdministrationError) -> Answer {
        let descriptor = try connect()
        defer { close(descriptor) }
        var head = "\(method) \(target) HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        if let contentType { head += "content-type: \(contentType)\r\n" }
        head += "content-length: \(body.count)\r\n\r\n"
        try send(Array(head.utf8) + body, to: descriptor)
        return try Self.parse(try readAll(from: descriptor))
    }

    private func connect() throws(AdministrationError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw AdministrationError(.unavailable, "the path of the admin socket is too long")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw AdministrationError(.unavailable, "no socket: error \(errno)") }
        var silence = timeval(tv_sec: longestSilence, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &silence, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &silence, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                Foundation.connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            close(descriptor)
            throw AdministrationError(.unavailable, "no server answers at \(path): error \(code)")
        }
        guard isOurs(descriptor) else {
            close(descriptor)
            throw AdministrationError(.unavailable, "another user's program listens at \(path); it was told nothing")
        }
        return descriptor
    }

    /// Whether this user, or root, listens, or who owns the folder that root was pointed to.
    ///
    /// A folder below `/tmp` may have been made by anybody, and what is sent here are secrets.
    private func isOurs(_ descriptor: Int32) -> Bool {
        // `struct ucred`, which Glibc's module leaves out.
        var peer: (process: pid_t, user: uid_t, group: gid_t) = (0, 0, 0)
        var size = socklen_t(MemoryLayout.size(ofValue: peer))
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 else { return false }
        if peer.user == geteuid() || peer.user == 0 { return true }
        return geteuid() == 0 && !path.hasPrefix(AdminSocket.sharedFolder)
    }

    private func send(_ bytes: [UInt8], to descriptor: Int32) throws(AdministrationError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { buffer in
                Foundation.send(descriptor, buffer.baseAddress, buffer.count, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw AdministrationError(.unavailable, "the server hung up: error \(errno)") }
            rest = rest.dropFirst(count)
        }
    }

    private func readAll(from descriptor: Int32) throws(AdministrationError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw AdministrationError(.unavailable, "the server fell silent: error \(errno)") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= Self.longestAnswer else {
                throw AdministrationError(.unavailable, "the server's answer is too long")
            }
        }
    }

    static func parse(_ bytes: [UInt8]) throws(AdministrationError) -> Answer {
        let broken = AdministrationError(.unavailable, "the server's answer broke off")
        let mark = Array("\r\n\r\n".utf8)
        var end = 0
        while end + mark.count <= bytes.count, Array(bytes[end..<end + mark.count]) != mark { end += 1 }
        guard end + mark.count <= bytes.count else { throw broken }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { throw broken }
        var length = 0
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "content-length" else { continue }
            guard let number = Int(parts[1].filter { $0 != " " }) else { throw broken }
            length = number
        }
        let body = Array(bytes[(end + mark.count)...])
        guard body.count == length else { throw broken }
        return Answer(status: status, body: body)
    }
}
