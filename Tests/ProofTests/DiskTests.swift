import Connections
import Expressions
import FaultyDisk
import FlowEngine
import FlowServer
import FlowStores
import Foundation
import HTTPTransport
import Logging
import Synchronization
import TestSupport
import Testing

// Goal: a disk that is full or fails at any write costs no acknowledged work, and the service goes on by itself.
// Method: a layer under SQLite fails the n-th write (or sync) and all after it, for n = 1, 2, 3 …, while pages and web
// hooks are called over HTTP. Whoever got 2xx is on disk; `/readyz` says 503 meanwhile; once the disk is healed, time
// passes, and everyone gets through with the key from before. The file is whole at the end.
@Suite("Disk: full, failing and torn at every write", .serialized)
struct DiskTests {
    static let kinds = [FAULTY_DISK_FULL, FAULTY_DISK_IO_ERROR, FAULTY_DISK_SYNC_ERROR, FAULTY_DISK_TORN]

    @Test("no 2xx without durability; 503 meanwhile; service resumes", arguments: kinds.map { Int32($0) })
    func everyWrite(kind: Int32) async throws {
        #expect(faulty_disk_install() == 0)
        var number = 1
        while try await fails(kind, at: number) { number += ProofSize.of(number < 12 ? 1 : 7, large: 1) }
        #expect(number > 2, "the disk was hardly written to")
    }

    /// - Returns: Whether there was an n-th write.
    private func fails(_ kind: Int32, at number: Int) async throws -> Bool {
        let world = try ProofWorld()
        defer { world.remove() }
        faulty_disk_arm(world.folder, Int32(FAULTY_DISK_NONE), 0)
        let store = try world.openStore()
        defer { store.close() }
        let engine = world.engine(on: store)
        let hasStruck = try await world.run(engine) {
            try await Self.serve(engine) { url in
                let client = HTTPClient()
                #expect(try await Self.status(client, "GET", url + "/readyz") == 200)
                faulty_disk_arm(world.folder, kind, number)
                var acknowledged: [Int] = []
                var taken: [Int] = []
                for call in 1...4 {
                    if try await deliver(call, client, url, world.clock.now()) == 200 { taken.append(call) }
                    // An engine that has stopped intake refuses at once; one that works answers when it is durable.
                    if let (answer, _) = try? await engine.call("order", ["name": .string("n\(call)")], key: "k\(call)")
                    {
                        if answer.status == 200 { acknowledged.append(call) }
                    }
                }
                // Behind everything that the runs of the events had to write; what fails here has stopped intake too.
                _ = try? await engine.write { (_) throws(StoreError) in }
                let hasStruck = faulty_disk_has_struck() != 0
                if hasStruck {
                    #expect(try await Self.status(client, "GET", url + "/readyz") == 503, "write \(number)")
                }
                faulty_disk_heal()
                // The store is tried again by the clock.
                let time = Task {
                    while !Task.isCancelled {
                        await world.clock.waitForSleeper(within: .seconds(2))
                        world.clock.advance(by: .seconds(2))
                    }
                }
                defer { time.cancel() }
                await engine.waitUntilReady()
                #expect(try await Self.status(client, "GET", url + "/readyz") == 200)
                let before = try await engine.rows("orders").compactMap { $0["name"]?.stringValue }
                for call in acknowledged { #expect(before.contains("n\(call)"), "write \(number): n\(call) is lost") }
                let events = try await Self.events(in: store)
                for call in taken { #expect(events.contains("evt_\(call)"), "write \(number): evt_\(call) is lost") }
                for call in 1...4 {
                    // As its sender does with what got no 2xx, and sometimes with what did.
                    let status = try await deliver(call, client, url, world.clock.now())
                    #expect(status == 200, "write \(number)")
                    let (answer, _) = try await engine.call("order", ["name": .string("n\(call)")], key: "k\(call)")
                    #expect(answer.status == 200, "write \(number)")
                }
                #expect(try await engine.rows("orders").count == 4, "write \(number)")
                while try await engine.allRuns().contains(where: { !$0.status.isFinal }) {
                    try await engine.write { (_) throws(StoreError) in }
                }
                let notes = try await engine.rows("notes").compactMap { $0["text"]?.stringValue }.sorted()
                #expect(notes == ["evt_1", "evt_2", "evt_3", "evt_4"], "write \(number)")
                await client.shutdown()
                return hasStruck
            }
        }
        #expect(try await store.integrityCheck() == [], "write \(number)")
        return hasStruck
    }

    private static let secret = "whsec_disk_1234567890"

    private func deliver(
        _ event: Int,
        _ client: HTTPClient,
        _ url: String,
        _ time: Timestamp
    ) async throws -> Int {
        let body = Array(#"{"id":"evt_\#(event)","object":"event"}"#.utf8)
        let signature = StripeSignature.sign(body: body, secret: Secret(Self.secret), at: time)
        return try await client.send(
            HTTPRequest(
                method: "POST",
                url: url + "/hooks/hook",
                headers: ["Content-Type": "application/json", "Stripe-Signature": signature],
                body: body,
                addressPolicy: .loopbackOnly
            )
        ).status
    }

    /// The events that the inbox holds.
    private static func events(in store: SQLiteStore) async throws -> Set<String> {
        try await store.read { (reader) throws(StoreError) in
            Set(try reader.deliveries(matching: DeliveryFilter()).map(\.eventID))
        }
    }

    private static func status(_ client: HTTPClient, _ method: String, _ url: String) async throws -> Int {
        try await client.send(HTTPRequest(method: method, url: url, addressPolicy: .loopbackOnly)).status
    }

    /// Runs the HTTP side around `body`.
    private static func serve<R: Sendable>(_ engine: Engine, _ body: (String) async throws -> R) async throws -> R {
        let ready = AsyncStream.makeStream(of: Int.self)
        let server = RuntimeServer(
            engine: engine,
            secrets: UnsealedSecrets(["hooks.hook.secret": Secret(secret)]),
            random: SeededRandomSource(),
            configuration: ServerConfiguration(port: 0),
            logger: Logger(label: "proof") { _ in SwiftLogNoOpLogHandler() },
            onReady: { ready.continuation.yield($0) }
        )
        let serving = Task { try await server.run() }
        defer { serving.cancel() }
        var ports = ready.stream.makeAsyncIterator()
        let port = try #require(await ports.next())
        return try await body("http://127.0.0.1:\(port)")
    }
}
