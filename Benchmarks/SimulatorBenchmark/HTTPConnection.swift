import Foundation

/// One kept-alive connection to a server on this machine, blocking: as little client as HTTP allows, so that the
/// server is what is measured.
struct HTTPConnection: ~Copyable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(description: "no socket") }
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = LoopbackPort.address(port)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { [descriptor] in
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else { throw Failure(description: "nothing listens on port \(port)") }
        buffer.reserveCapacity(16 << 10)
    }

    deinit { close(descriptor) }

    /// Sends a form and answers the body.
    ///
    /// Throws: anything but a 200 with a `Content-Length`.
    mutating func send(_ method: String, _ path: String, _ form: String = "", key: String? = nil) throws -> [UInt8] {
        var head = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer sk_test_benchmark\r\n"
        if let key { head += "Idempotency-Key: \(key)\r\n" }
        if method == "POST" {
            head += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: \(form.utf8.count)\r\n"
        }
        try write(Array("\(head)\r\n\(form)".utf8))
        return try read()
    }

    private func write(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Foundation.send(descriptor, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { throw Failure(description: "the connection broke") }
            sent += count
        }
    }

    private mutating func read() throws -> [UInt8] {
        buffer.removeAll(keepingCapacity: true)
        var whole: (bodyStart: Int, end: Int)?
        while buffer.count < whole?.end ?? .max {
            let before = buffer.count
            buffer.append(contentsOf: repeatElement(0, count: 8 << 10))
            let count = buffer.withUnsafeMutableBytes { [descriptor] bytes in
                recv(descriptor, bytes.baseAddress?.advanced(by: before), bytes.count - before, 0)
            }
            guard count > 0 else { throw Failure(description: "the connection broke") }
            buffer.removeLast(buffer.count - before - count)
            if whole == nil { whole = try Self.extent(of: buffer) }
        }
        guard let whole else { throw Failure(description: "no answer") }
        let body = Array(buffer[whole.bodyStart..<whole.end])
        guard buffer.starts(with: "HTTP/1.1 200".utf8) else {
            throw Failure(description: String(decoding: buffer.prefix(400), as: UTF8.self))
        }
        return body
    }

    /// Where the body begins and the answer ends; nil until the head is there.
    private static func extent(of bytes: [UInt8]) throws -> (bodyStart: Int, end: Int)? {
        guard let start = bytes.position(after: "\r\n\r\n".utf8) else { return nil }
        let head = String(decoding: bytes[..<start], as: UTF8.self).lowercased()
        guard let mark = head.range(of: "content-length:"),
            let length = Int(head[mark.upperBound...].prefix { !$0.isNewline }.trimmingCharacters(in: .whitespaces))
        else { throw Failure(description: "an answer without a length") }
        return (start, start + length)
    }
}

extension [UInt8] {
    /// The position after the first place where the text stands.
    func position(after text: String.UTF8View) -> Int? {
        guard let first = text.first, count >= text.count else { return nil }
        for start in 0...(count - text.count) where self[start] == first && self[start...].starts(with: text) {
            return start + text.count
        }
        return nil
    }
}

/// Ports of this machine.
enum LoopbackPort {
    static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        return address
    }

    /// A port that nobody uses now.
    static func free() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = address(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) | getsockname(descriptor, address, &length)
            }
        }
        guard code == 0 else { throw HTTPConnection.Failure(description: "no free port") }
        return Int(in_port_t(bigEndian: address.sin_port))
    }
}
