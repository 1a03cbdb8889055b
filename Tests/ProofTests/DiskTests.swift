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
// hooks are called over HTTP. Whoever got 2xx is on disk, and nobody gets it once the disk has failed; `/readyz` says 503 meanwhile; once the disk is healed, time
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
                    // Reading again shows what a failed sync left as if it were durable, so acknowledging it must be seen
                    // here.
                    var wasBad = faulty_disk_has_struck() != 0
                    let status = try await deliver(call, client, url, world.clock.now())
                    #expect(!(wasBad && status == 200), "write \(number): evt_\(call) is taken by a failing disk")
                    if status == 200 { taken.append(call) }
                    wasBad = faulty_disk_has_struck() != 0
                    // An engine that has stopped intake refuses at once; one that works answers when it is durable.
                    let isAnswered = await Self.order(call, engine)
                    #expect(!(wasBad && isAnswered), "write \(number): n\(call) is answered on a failing disk")
                    if isAnswered { acknowledged.append(call) }
                }
                // Behind everything that the runs of the events had to write; what fails here has stopped intake too.
                _ = try? await engine.write { (_) throws(StoreError) in }
                let hasStruck = faulty_disk_has_struck() != 0
                if hasStruck {
                    #expect(try await Self.status(client, "GET", url + "/readyz") == 503, "write \(number)")
                }
                faulty_disk_heal()
                let time = Self.passTime(world.clock)
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

    static let checkpointFaults = [FAULTY_DISK_FULL, FAULTY_DISK_IO_ERROR, FAULTY_DISK_SYNC_ERROR].map {
        Int32($0 | FAULTY_DISK_DATABASE)
    }

    // The log takes everything, so that all that fails is copying it into the database; SQLite would tell nobody.
    @Test(
        "a database file that takes no log stops intake, costs nothing, and is gone on with",
        arguments: checkpointFaults
    )
    func checkpoint(kind: Int32) async throws {
        #expect(faulty_disk_install() == 0)
        for number in 1...ProofSize.of(3, large: 30) {
            let world = try ProofWorld()
            defer { world.remove() }
            faulty_disk_arm(world.folder, Int32(FAULTY_DISK_NONE), 0)
            let store = try world.openStore(checkpointPages: 8)
            defer { store.close() }
            let engine = world.engine(on: store)
            try await world.run(engine) {
                try await Self.serve(engine) { url in
                    let client = HTTPClient()
                    faulty_disk_arm(world.folder, kind, number)
                    let refused = try await Self.firstRefused(engine)
                    #expect(faulty_disk_has_struck() != 0, "fault \(number)")
                    #expect(try await Self.status(client, "GET", url + "/readyz") == 503, "fault \(number)")
                    #expect(try await Self.orders(in: engine) == Set((1..<refused).map { "n\($0)" }), "fault \(number)")
                    // Reopened and tried again, the store stays as it is: nothing gets through between two failures.
                    for _ in 1...3 {
                        await world.clock.waitForSleeper(within: .seconds(2))
                        world.clock.advance(by: .seconds(2))
                        await #expect(throws: StoreError.self) { try await engine.write { (_) throws(StoreError) in } }
                        #expect(!engine.isReady, "fault \(number)")
                    }
                    faulty_disk_heal()
                    let time = Self.passTime(world.clock)
                    defer { time.cancel() }
                    await engine.waitUntilReady()
                    #expect(try await Self.status(client, "GET", url + "/readyz") == 200, "fault \(number)")
                    for call in 1...(refused + 20) { #expect(await Self.order(call, engine), "fault \(number)") }
                    #expect(try await engine.rows("orders").count == refused + 20, "fault \(number)")
                    await client.shutdown()
                }
            }
            #expect(try await store.integrityCheck() == [], "fault \(number)")
        }
    }

    @Test(
        "a start with a log that cannot be copied is refused, and finds everything once it can",
        arguments: checkpointFaults
    )
    func startBehindFailedCheckpoint(kind: Int32) async throws {
        #expect(faulty_disk_install() == 0)
        let world = try ProofWorld()
        defer { world.remove() }
        faulty_disk_arm(world.folder, Int32(FAULTY_DISK_NONE), 0)
        let store = try world.openStore(checkpointPages: 8)
        faulty_disk_arm(world.folder, kind, 1)
        let refusal: StoreError.Code = kind == Int32(FAULTY_DISK_FULL | FAULTY_DISK_DATABASE) ? .full : .unavailable
        var acknowledged: [String] = []
        do throws(StoreError) {
            while acknowledged.count < 1_000 {
                let name = "n\(acknowledged.count)"
                try store.writeGroup { (transaction) throws(StoreError) in
                    _ = try transaction.insert(into: "orders", [("name", .string(name)), ("total", 1)])
                }
                acknowledged.append(name)
            }
            Issue.record("no group was refused")
        } catch {
            #expect(error.code == refusal)
        }
        #expect(!acknowledged.isEmpty)
        // As a process that stops: its last try to copy the log fails as well.
        store.close()
        for _ in 1...2 {
            #expect {
                try world.openStore().close()
            } throws: { error in
                guard case StoreOpenError.store(let error) = error else { return false }
                return error.code == refusal
            }
        }
        faulty_disk_heal()
        let healed = try world.openStore()
        defer { healed.close() }
        let rows = try await healed.read { (reader) throws(StoreError) in
            try reader.find(RecordQuery(table: "orders", where: [], limit: 1_000))
        }
        #expect(rows.compactMap { $0["name"]?.stringValue } == acknowledged)
        #expect(try await healed.integrityCheck() == [])
    }

    /// Calls until a call is refused, which it must be.
    ///
    /// - Returns: Its number; all before it are acknowledged.
    private static func firstRefused(_ engine: Engine) async throws -> Int {
        for call in 1...1_000 {
            let wasBad = faulty_disk_has_struck() != 0
            guard await order(call, engine) else { return call }
            #expect(!wasBad, "n\(call) is answered while the log cannot be copied")
        }
        throw StoreError(.closed, "no call was refused")
    }

    /// - Returns: Whether the page call with this number was answered as it should.
    private static func order(_ call: Int, _ engine: Engine) async -> Bool {
        let answered = try? await engine.call("order", ["name": .string("n\(call)")], key: "k\(call)")
        return answered?.0.status == 200
    }

    private static func orders(in engine: Engine) async throws -> Set<String> {
        Set(try await engine.rows("orders").compactMap { $0["name"]?.stringValue })
    }

    /// The store is tried again by the clock.
    private static func passTime(_ clock: ManualClock) -> Task<Void, Never> {
        Task {
            while !Task.isCancelled {
                await clock.waitForSleeper(within: .seconds(2))
                clock.advance(by: .seconds(2))
            }
        }
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
