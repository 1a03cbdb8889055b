import Foundation
import Synchronization

/// Many readers of server-sent events on one thread: what a thousand browsers would be to the server.
package final class EventClients: Sendable {
    package struct Event: Sendable, Hashable {
        package var id: String?
        package var name: String
        package var data: String
    }

    package struct Client: Sendable {
        var head: [UInt8] = []
        var isHeadDone = false
        var rest: [UInt8] = []
        var text: [UInt8] = []
        package var status = 0
        package var events: [Event] = []
        /// Ids that came with no event: heartbeats.
        package var beats: [String] = []
        /// Not read from.
        var isPaused = false
        /// The whole answer is here; the connection may go on.
        package var isEnded = false
        package var isClosed = false
    }

    /// A system call that failed.
    package struct Fault: Error {
        let call: String
        let code: Int32
    }

    private struct Waiter {
        var isDone: @Sendable ([Client]) -> Bool
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var clients: [Int32: Client] = [:]
        var order: [Int32] = []
        var waiters: [UUID: Waiter] = [:]
        var isOver = false

        var inOrder: [Client] { order.compactMap { clients[$0] } }
    }

    package let port: Int
    private let state = Mutex(State())
    private let bell: (read: Int32, write: Int32)

    package init(port: Int) throws {
        self.port = port
        var ends = [Int32](repeating: 0, count: 2)
        guard pipe(&ends) == 0 else { throw Fault(call: "pipe", code: errno) }
        bell = (ends[0], ends[1])
        Thread { self.read() }.start()
    }

    /// Asks for a stream; its number, from 0.
    package func open(_ path: String, headers: [String] = []) throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        // A small window, so that a reader that pauses is felt soon.
        var size: Int32 = 16 << 10
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else { throw Fault(call: "connect", code: errno) }
        let lines = ["GET \(path) HTTP/1.1", "Host: localhost:\(port)"] + headers
        let request = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
        let sent = send(descriptor, request, request.count, Int32(MSG_NOSIGNAL))
        guard sent == request.count else { throw Fault(call: "send", code: errno) }
        let number = state.withLock { state in
            state.clients[descriptor] = Client()
            state.order.append(descriptor)
            return state.order.count - 1
        }
        ring()
        return number
    }

    package var all: [Client] { state.withLock(\.inOrder) }

    package func events(_ number: Int) -> [Event] { all[number].events }

    /// Returns once `isDone` holds for the clients in the order of their numbers, or when the test's time is over.
    package func wait(until isDone: @escaping @Sendable ([Client]) -> Bool) async {
        let id = UUID()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isNow = state.withLock { state in
                    if Task.isCancelled || isDone(state.inOrder) { return true }
                    state.waiters[id] = Waiter(isDone: isDone, continuation: continuation)
                    return false
                }
                if isNow { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume()
        }
    }

    package func pause(_ number: Int, _ isPaused: Bool) {
        state.withLock { $0.clients[$0.order[number]]?.isPaused = isPaused }
        ring()
    }

    package func close(_ number: Int) {
        state.withLock { state in
            let descriptor = state.order[number]
            if state.clients[descriptor]?.isClosed == false { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    package func stop() {
        state.withLock { $0.isOver = true }
        ring()
    }

    private func ring() { _ = write(bell.write, "x", 1) }

    // MARK: On the reader's thread

    private func read() {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let (descriptors, isOver) = state.withLock { state in
                (state.clients.filter { !$0.value.isPaused && !$0.value.isClosed }.map(\.key), state.isOver)
            }
            if isOver { break }
            var polled = ([bell.read] + descriptors).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard poll(&polled, nfds_t(polled.count), -1) > 0 else { continue }
            for entry in polled where entry.revents != 0 {
                let count = Foundation.read(entry.fd, &chunk, chunk.count)
                if entry.fd != bell.read { take(chunk.prefix(max(0, count)), from: entry.fd) }
            }
            let done = state.withLock { state in
                let clients = state.inOrder
                let done = state.waiters.filter { $0.value.isDone(clients) }
                for id in done.keys { state.waiters[id] = nil }
                return done.values
            }
            for waiter in done { waiter.continuation.resume() }
        }
        for descriptor in state.withLock({ $0.order }) { _ = Foundation.close(descriptor) }
        _ = (Foundation.close(bell.read), Foundation.close(bell.write))
    }

    private func take(_ bytes: ArraySlice<UInt8>, from descriptor: Int32) {
        state.withLock { state in
            if bytes.isEmpty { state.clients[descriptor]?.isClosed = true }
            state.clients[descriptor]?.take(bytes)
        }
    }
}

extension EventClients.Client {
    fileprivate mutating func take(_ bytes: ArraySlice<UInt8>) {
        rest += bytes
        if !isHeadDone {
            guard let end = rest.firstRange(of: Array("\r\n\r\n".utf8)) else { return }
            head = Array(rest[..<end.lowerBound])
            rest.removeFirst(end.upperBound)
            isHeadDone = true
            status = Int(String(decoding: head.prefix(12).suffix(3), as: UTF8.self)) ?? 0
        }
        while let chunk = nextChunk() { text += chunk }
        while let end = text.firstRange(of: [0x0A, 0x0A]) {
            readEvent(String(decoding: text[..<end.lowerBound], as: UTF8.self))
            text.removeFirst(end.upperBound)
        }
    }

    private mutating func nextChunk() -> [UInt8]? {
        guard let end = rest.firstRange(of: [0x0D, 0x0A]),
            let size = Int(String(decoding: rest[..<end.lowerBound], as: UTF8.self), radix: 16),
            rest.count >= end.upperBound + size + 2
        else { return nil }
        guard size > 0 else {
            isEnded = true
            return nil
        }
        defer { rest.removeFirst(end.upperBound + size + 2) }
        return Array(rest[end.upperBound..<end.upperBound + size])
    }

    private mutating func readEvent(_ block: String) {
        var event = EventClients.Event(name: "message", data: "")
        for line in block.split(separator: "\n") {
            if line.hasPrefix("id: ") { event.id = String(line.dropFirst(4)) }
            if line.hasPrefix("event: ") { event.name = String(line.dropFirst(7)) }
            if line.hasPrefix("data: ") { event.data = String(line.dropFirst(6)) }
        }
        if !event.data.isEmpty { events.append(event) } else if let id = event.id { beats.append(id) }
    }
}
