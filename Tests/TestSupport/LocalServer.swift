import Foundation
import Synchronization

/// A server on 127.0.0.1 or on a unix socket that does to each connection exactly what the test says, byte by byte.
///
/// Each connection gets a thread of its own, so a script may block for as long as the test needs.
package final class LocalServer: Sendable {
    package struct Fault: Error {
        let call: String
        let code: Int32
    }

    /// Descriptors are kept only while open: their numbers are used again by other tests.
    struct Connections {
        var open: Set<Int32> = []
        var count = 0
    }

    package let port: Int
    private let listener: Int32
    private let connections = Mutex(Connections())
    private let requests = Mutex<[ReceivedRequest]>([])

    /// Starts to accept.
    ///
    /// `script` is called for each connection with its number, counted from 0.
    package init(path: String? = nil, script: @escaping @Sendable (_ connection: Peer, _ number: Int) -> Void) throws {
        let descriptor = socket(path == nil ? AF_INET : AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Fault(call: "socket", code: errno) }
        listener = descriptor
        port = try path.map { try Self.bind(descriptor, path: $0) } ?? Self.bindToLoopback(descriptor)
        guard listen(listener, 256) == 0 else { throw Fault(call: "listen", code: errno) }
        let thread = Thread { self.accept(script) }
        thread.start()
    }

    /// A server that answers every request of every connection in the same way, keeping connections open.
    package convenience init(path: String? = nil, answer: @escaping @Sendable (ReceivedRequest) -> String) throws {
        try self.init(path: path) { connection, _ in
            while let request = connection.readRequest() { connection.write(answer(request)) }
        }
    }

    package func url(_ path: String = "/") -> String { "http://127.0.0.1:\(port)\(path)" }

    package var connectionCount: Int { connections.withLock(\.count) }
    package var received: [ReceivedRequest] { requests.withLock { $0 } }

    /// Ends the listener and every connection, so that no script blocks any longer.
    package func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        connections.withLock { for connection in $0.open { shutdown(connection, Int32(SHUT_RDWR)) } }
    }

    private func accept(_ script: @escaping @Sendable (Peer, Int) -> Void) {
        defer { Foundation.close(listener) }
        while true {
            let descriptor = Foundation.accept(listener, nil, nil)
            guard descriptor >= 0 else { return }
            let number = connections.withLock { connections in
                connections.open.insert(descriptor)
                connections.count += 1
                return connections.count - 1
            }
            let thread = Thread {
                let peer = Peer(descriptor: descriptor, server: self)
                script(peer, number)
                peer.close()
            }
            thread.start()
        }
    }

    fileprivate func note(_ request: ReceivedRequest) { requests.withLock { $0.append(request) } }

    fileprivate func close(_ descriptor: Int32) {
        connections.withLock { connections in
            connections.open.remove(descriptor)
            Foundation.close(descriptor)
        }
    }

    private static func bindToLoopback(_ descriptor: Int32) throws -> Int {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isBound else { throw Fault(call: "bind", code: errno) }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static func bind(_ descriptor: Int32, path: String) throws -> Int {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        guard isBound else { throw Fault(call: "bind", code: errno) }
        return 0
    }
}

/// A request as the server's socket saw it.
package struct ReceivedRequest: Sendable {
    package let line: String
    package let headers: [String]
    package let body: [UInt8]

    package func header(_ name: String) -> String? {
        let start = name.lowercased() + ":"
        return headers.first { $0.lowercased().hasPrefix(start) }
            .map { $0.dropFirst(start.count).trimmingCharacters(in: .whitespaces) }
    }
}

/// The server's end of one connection, used by one thread.
package final class Peer {
    private let descriptor: Int32
    private let server: LocalServer
    private var buffer: [UInt8] = []
    private var isClosed = false

    fileprivate init(descriptor: Int32, server: LocalServer) {
        self.descriptor = descriptor
        self.server = server
    }

    /// The next request with its body, or nil when the client has closed.
    package func readRequest() -> ReceivedRequest? {
        let end = Array("\r\n\r\n".utf8)
        var headEnd = buffer.firstRange(of: end)
        while headEnd == nil {
            guard readMore() else { return nil }
            headEnd = buffer.firstRange(of: end)
        }
        guard let headEnd else { return nil }
        let lines = String(decoding: buffer[..<headEnd.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let headers = Array(lines.dropFirst())
        let size =
            headers.first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
        while buffer.count < headEnd.upperBound + size { guard readMore() else { return nil } }
        let body = Array(buffer[headEnd.upperBound..<headEnd.upperBound + size])
        buffer.removeFirst(headEnd.upperBound + size)
        let request = ReceivedRequest(line: lines.first ?? "", headers: headers, body: body)
        server.note(request)
        return request
    }

    package func write(_ text: String) { write(Array(text.utf8)) }

    package func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Blocks until the client closes or the server is stopped.
    package func waitForEnd() { while readMore() {} }

    package func close() {
        guard !isClosed else { return }
        isClosed = true
        Foundation.shutdown(descriptor, Int32(SHUT_RDWR))
        server.close(descriptor)
    }

    /// Closes so that the client's system learns of it as a reset.
    package func reset() {
        guard !isClosed else { return }
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        isClosed = true
        server.close(descriptor)
    }

    private func readMore() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        guard count > 0 else { return false }
        buffer.append(contentsOf: chunk[..<count])
        return true
    }
}

/// A complete answer with a length.
package func answer(_ status: String = "200 OK", headers: [String] = [], body: String = "") -> String {
    (["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"] + headers).joined(separator: "\r\n")
        + "\r\n\r\n" + body
}
