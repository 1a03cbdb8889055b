import HTTPTransport
import Hummingbird
import Logging
import NIOCore
import Synchronization
import Testing

@testable import StripeSimulator

@Suite("Server", .timeLimit(.minutes(2))) struct ServerTests {
    @Test("a payment over HTTP, and its web hook at a real endpoint, verified")
    func endToEnd() async throws {
        let (stream, continuation) = AsyncStream<(String, [UInt8])>.makeStream()
        let receiver = Receiver(answers: [500, 200]) { signature, body in continuation.yield((signature, body)) }
        try await receiver.run { hook in
            try await withSimulator({
                $0.endpoints = [.init(url: hook, secret: "whsec_x", events: ["payment_intent.succeeded"])]
            }) { base in
                let client = HTTPClient()
                let paid = try await client.stripe(
                    "POST",
                    base + "/v1/payment_intents",
                    "amount=900&currency=usd&confirm=true&payment_method=pm_card_visa&payment_method_types[]=card"
                )
                #expect(paid.status == "succeeded")
                var iterator = stream.makeAsyncIterator()
                for _ in 0..<2 {  // the first try is refused, the second taken
                    let (signature, body) = try #require(await iterator.next())
                    let time = try #require(Int64(signature.dropFirst(2).prefix { $0 != "," }))
                    #expect(
                        SimulatorState.signature(of: body, at: time, secrets: ["whsec_x"]) == signature
                    )
                    let event = try JSONParser.value(of: body).object
                    #expect(event?.value(at: "data", "object", "id")?.string == paid.id)
                }
            }
        }
    }

    @Test("a torn connection gives no answer; the call was made or not, as ordered")
    func torn() async throws {
        try await withSimulator { base in
            let client = HTTPClient()
            _ = try await client.stripe("POST", base + "/_simulator/faults", "action=tear_before&times=1")
            await #expect(throws: HTTPTransport.HTTPError.self) {
                try await client.stripe("POST", base + "/v1/customers")
            }
            _ = try await client.stripe("POST", base + "/_simulator/faults", "action=tear_after&times=1")
            await #expect(throws: HTTPTransport.HTTPError.self) {
                try await client.stripe("POST", base + "/v1/customers")
            }
            let list = try await client.stripe("GET", base + "/v1/customers")
            #expect(list.data().count == 1)
        }
    }

    @Test("one key, fifty callers at once: one intent, one answer")
    func concurrentKey() async throws {
        try await withSimulator { base in
            let client = HTTPClient()
            let ids = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        let response = try await client.send(
                            HTTPTransport.HTTPRequest(
                                method: "POST",
                                url: base + "/v1/payment_intents",
                                headers: ["Authorization": "Bearer sk_test_x", "Idempotency-Key": "one"],
                                body: Array("amount=900&currency=usd".utf8)
                            )
                        )
                        return try JSONParser.value(of: response.body).object?.id ?? ""
                    }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            let list = try await client.stripe("GET", base + "/v1/payment_intents")
            #expect(list.data().count == 1)
        }
    }

    @Test("a body over the bound is refused")
    func largeBody() async throws {
        try await withSimulator { base in
            let response = try await HTTPClient().send(
                HTTPTransport.HTTPRequest(
                    method: "POST",
                    url: base + "/v1/customers",
                    headers: ["Authorization": "Bearer sk_test_x"],
                    body: [UInt8](repeating: 0x61, count: SimulatorResponder.maximumBody + 1)
                )
            )
            #expect(response.status == 413)
        }
    }
}

/// A web-hook endpoint that answers what it is told, in order, and then 200.
private struct Receiver {
    let answers: [Int]
    let onDelivery: @Sendable (String, [UInt8]) -> Void

    init(answers: [Int], onDelivery: @escaping @Sendable (String, [UInt8]) -> Void) {
        self.answers = answers
        self.onDelivery = onDelivery
    }

    func run(_ body: (String) async throws -> Void) async throws {
        let port = BoundPort()
        let count = InFlight()
        let responder = CallbackResponder<BasicRequestContext> { [answers, onDelivery] request, _ in
            let bytes = Array(buffer: try await request.body.collect(upTo: 1 << 20))
            let signature = request.headers.first { $0.name.canonicalName == "stripe-signature" }?.value ?? ""
            let index = count.count
            count.change(by: 1)
            onDelivery(signature, bytes)
            return Response(status: .init(code: index < answers.count ? answers[index] : 200))
        }
        var logger = Logger(label: "receiver")
        logger.logLevel = .critical
        let application = Application(
            responder: responder,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in port.set(channel.localAddress?.port ?? 0) },
            logger: logger
        )
        let running = Task { try await application.run() }
        defer { running.cancel() }
        try await body("http://127.0.0.1:\(await port.value())/hook")
    }
}
