import Connections
import Expressions
import FlowEngine
import FlowServer
import FlowStores
import Foundation
import Logging
import Synchronization
import TestSupport
import Testing

// Goal: however often, in whatever order and over however bad a line events come, each starts one run.
// Method: 60,000 distinct, rightly signed events come 100,000 times in all, shuffled by a seed, over 64 connections at
// once to the real server; one delivery in twenty is torn, before or after the whole request was sent. What got no 2xx
// is delivered again, as a sender does. (In CI a tenth of it.)
@Suite("Deliveries: one run for each event", .serialized)
struct DeliveryTests {
    private static let distinct = ProofSize.of(6_000, large: 60_000)
    private static let deliveries = ProofSize.of(10_000, large: 100_000)
    private static let connections = 64

    @Test("exactly as many runs as events", .timeLimit(.minutes(30)))
    func exactlyOne() async throws {
        let world = try ProofWorld()
        defer { world.remove() }
        let store = try world.openStore()
        defer { store.close() }
        let engine = world.engine(on: store)
        try await world.run(engine) {
            let secrets = UnsealedSecrets(["hooks.hook.secret": Secret(DeliveryLoad.secret)])
            let ready = AsyncStream.makeStream(of: Int.self)
            let server = RuntimeServer(
                engine: engine,
                secrets: secrets,
                random: SeededRandomSource(),
                configuration: ServerConfiguration(port: 0),
                logger: Logger(label: "proof") { _ in SwiftLogNoOpLogHandler() },
                onReady: { ready.continuation.yield($0) }
            )
            let serving = Task { try await server.run() }
            defer { serving.cancel() }
            var ports = ready.stream.makeAsyncIterator()
            let port = try #require(await ports.next())
            let load = DeliveryLoad(distinct: Self.distinct, deliveries: Self.deliveries, at: world.clock.now())
            await load.deliver(to: port, connections: Self.connections)
            #expect(load.torn > Self.deliveries / 40, "hardly a line was bad")
            #expect(load.refused == 0)
            let open = Set(RunStatus.allCases.filter { !$0.isFinal })
            while try await Self.runs(store, RunFilter(statuses: open, limit: 1)).isEmpty == false {
                try await engine.write { (_) throws(StoreError) in }
            }
            #expect(try await Self.runs(store, RunFilter(limit: 1_000_000)).count == Self.distinct)
            let notes = try await engine.rows("notes").compactMap { $0["text"]?.stringValue }
            #expect(notes.count == Self.distinct && Set(notes).count == Self.distinct)
            let counts = try await store.read { (reader) throws(StoreError) in try reader.deliveryCounts()["hook"] }
            #expect(counts?.accepted == Self.distinct)
            #expect(counts?.repeated ?? 0 > Self.deliveries / 4)
        }
    }

    private static func runs(_ store: SQLiteStore, _ filter: RunFilter) async throws -> [RunRecord] {
        try await store.read { (reader) throws(StoreError) in try reader.runs(matching: filter) }
    }
}

/// Deliveries that wait to be made, and those who make them.
private final class DeliveryLoad: Sendable {
    static let secret = "whsec_deliveries_1234567890"

    private struct State {
        /// Numbers of events, the next one last.
        var waiting: [Int]
        var chance: UInt64 = 7
        var torn = 0
        var refused = 0
    }

    private let state: Mutex<State>
    private let time: Timestamp

    /// Every event at least once, the rest repetitions, shuffled.
    init(distinct: Int, deliveries: Int, at time: Timestamp) {
        self.time = time
        var state = State(waiting: Array(0..<distinct))
        while state.waiting.count < deliveries { state.waiting.append(Self.draw(&state.chance, distinct)) }
        for position in state.waiting.indices.reversed().dropLast() {
            state.waiting.swapAt(position, Self.draw(&state.chance, position + 1))
        }
        self.state = Mutex(state)
    }

    var torn: Int { state.withLock { $0.torn } }
    var refused: Int { state.withLock { $0.refused } }

    private static func draw(_ chance: inout UInt64, _ bound: Int) -> Int {
        chance = chance &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((chance >> 33) % UInt64(bound))
    }

    /// Returns when every event has got its 2xx as often as it was to be delivered.
    func deliver(to port: Int, connections: Int) async {
        await withDiscardingTaskGroup { group in
            for _ in 0..<connections {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        // Sockets block; the pool's threads are the server's.
                        Thread.detachNewThread {
                            self.work(port)
                            continuation.resume()
                        }
                    }
                }
            }
        }
    }

    private enum Fate { case whole, tornBefore, tornAfter }

    private func next() -> (event: Int, fate: Fate)? {
        state.withLock { state in
            guard let event = state.waiting.popLast() else { return nil }
            let fate: Fate =
                switch Self.draw(&state.chance, 40) {
                case 0: .tornBefore
                case 1: .tornAfter
                default: .whole
                }
            if fate != .whole {
                state.torn += 1
                // Its sender knows nothing and will deliver it again, some time later.
                state.waiting.insert(event, at: state.waiting.count / 2)
            }
            return (event, fate)
        }
    }

    private func work(_ port: Int) {
        var line = Line(port: port)
        while let (event, fate) = next() {
            let request = self.request(event, port)
            if line == nil { line = Line(port: port) }
            switch fate {
            case .tornBefore:
                line?.send(request.prefix(request.count / 2))
                line = nil
            case .tornAfter:
                line?.send(request[...])
                line = nil
            case .whole:
                line?.send(request[...])
                if line?.receive() == 200 { continue }
                line = nil
                state.withLock { state in
                    state.refused += 1
                    state.waiting.insert(event, at: 0)
                }
            }
        }
    }

    private func request(_ event: Int, _ port: Int) -> [UInt8] {
        let body = Array(#"{"id":"evt_\#(event)","object":"event","text":"\#(event)"}"#.utf8)
        let signature = StripeSignature.sign(body: body, secret: Secret(Self.secret), at: time)
        let head =
            "POST /hooks/hook HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\nContent-Type: application/json\r\n"
            + "Stripe-Signature: \(signature)\r\nContent-Length: \(body.count)\r\n\r\n"
        return Array(head.utf8) + body
    }
}

/// One connection, blocking, closed with the value.
private final class Line {
    private let descriptor: Int32

    init?(port: Int) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr = in_addr(s_addr: UInt32(0x7F00_0001).bigEndian)
        let code = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { [descriptor] in
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            close(descriptor)
            return nil
        }
    }

    deinit { close(descriptor) }

    func send(_ bytes: ArraySlice<UInt8>) {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// The status of an answer, which is read whole; nil when the connection broke.
    func receive() -> Int? {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        var text = ""
        while !text.contains("\r\n\r\n") || !text.hasSuffix("}") {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            text += String(decoding: buffer[..<count], as: UTF8.self)
        }
        return Int(text.dropFirst(9).prefix(3))
    }
}
