import Connections
import Crypto
import Expressions
import FlowEngine
import Foundation
import HTTPTypes
import HummingbirdTesting
import TestSupport
import Testing

@testable import FlowServer

@Suite("Web hooks: whose delivery it is, and whether it came before")
struct SignedHookTests {
    private static let json: HTTPFields = [.contentType: "application/json"]

    private func event(_ id: String, account: String? = nil, isLive: Bool = false) -> String {
        let account = account.map { #", "account": "\#($0)""# } ?? ""
        return #"{"id": "\#(id)", "object": "event", "livemode": \#(isLive)\#(account), "text": "x"}"#
    }

    private func stripe(_ body: String, _ secret: String, _ world: ServerWorld) throws -> HTTPFields {
        let name = try #require(HTTPField.Name("Stripe-Signature"))
        let bytes = Array(body.utf8)
        var headers = Self.json
        headers[name] = StripeSignature.sign(body: bytes, secret: Secret(secret), at: world.clock.now())
        return headers
    }

    private func letter(_ id: String, _ body: String, _ secret: String, _ world: ServerWorld) throws -> HTTPFields {
        let bytes = Array(body.utf8)
        let signed = try StandardWebhook.sign(id: id, body: bytes, secret: Secret(secret), at: world.clock.now())
        var headers = Self.json
        headers[try #require(HTTPField.Name("webhook-id"))] = signed.id
        headers[try #require(HTTPField.Name("webhook-timestamp"))] = signed.timestamp
        headers[try #require(HTTPField.Name("webhook-signature"))] = signed.signature
        return headers
    }

    private func code(_ body: String, _ secret: String) throws -> HTTPFields {
        let key = SymmetricKey(data: Array(secret.utf8))
        let hex = HMAC<SHA256>.authenticationCode(for: Array(body.utf8), using: key)
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        var headers = Self.json
        headers[try #require(HTTPField.Name("X-Signature-256"))] = "sha256=\(hex)"
        return headers
    }

    @Test("while a hook's secret is rolled, what the old or the new one signed is taken, and nothing else")
    func rolled() async throws {
        try await ServerWorld.run { world, client in
            func status(_ hook: String, _ headers: HTTPFields, _ body: String) async throws -> Int {
                try await client.json("/hooks/\(hook)", .post, headers: headers, body: body).status
            }
            for (number, secret, expected) in [(1, "old", 200), (2, "new", 200), (3, "third", 401)] {
                let body = event("evt_\(number)")
                let charged = try stripe(body, "whsec_\(secret)", world)
                #expect(try await status("charged", charged, body) == expected, "stripe: \(secret)")
                let coded = try code(body, "the \(secret) one of many")
                #expect(try await status("rolled", coded, body) == expected, "hmac: \(secret)")
                let text = "\(secret) secret of letters".utf8
                let letters = try letter("m\(number)", body, "whsec_" + Data(text).base64EncodedString(), world)
                #expect(try await status("letters", letters, body) == expected, "standard-webhooks: \(secret)")
            }
        }
    }

    @Test("a secret that cannot be one of its scheme is our fault: 503, so that the sender tries again")
    func spoiled() async throws {
        try await ServerWorld.run { world, client in
            let headers = try letter("m1", "{}", "whsec_b2xkIHNlY3JldCBvZiBsZXR0ZXJz", world)
            let answer = try await client.json("/hooks/spoiled", .post, headers: headers, body: "{}")
            #expect(answer.status == 503)
            #expect(answer.body["code"] == "signature_unavailable")
        }
    }

    @Test("a signed event of Stripe's other mode is refused by a hook, whatever its content type says")
    func otherMode() async throws {
        try await ServerWorld.run { world, client in
            let body = event("evt_1", isLive: true)
            var headers = try stripe(body, "whsec_old", world)
            for type in ["application/json", "text/plain"] {
                headers[.contentType] = type
                let answer = try await client.json("/hooks/charged", .post, headers: headers, body: body)
                #expect(answer.status == 400)
                #expect(answer.body["code"] == "event_of_other_mode")
            }
            #expect(try await world.runs().isEmpty)
        }
    }

    @Test("a hook that names no 'eventId' tells repetitions by the id that its senders sign: one run for each event")
    func repeated() async throws {
        try await ServerWorld.run { world, client in
            func isRepeated(_ hook: String, _ headers: HTTPFields, _ body: String) async throws -> Bool {
                let answer = try await client.json("/hooks/\(hook)", .post, headers: headers, body: body)
                #expect(answer.status == 200)
                return answer.body["repeated"] == true
            }
            let body = event("evt_1")
            let charged = try stripe(body, "whsec_old", world)
            #expect(try await !isRepeated("charged", charged, body))
            #expect(try await isRepeated("charged", charged, body))
            // Of another account it is another event.
            let other = event("evt_1", account: "acct_2")
            #expect(try await !isRepeated("charged", stripe(other, "whsec_old", world), other))
            let secret = "whsec_b2xkIHNlY3JldCBvZiBsZXR0ZXJz"
            #expect(try await !isRepeated("letters", letter("m1", body, secret, world), body))
            #expect(try await isRepeated("letters", letter("m1", body, secret, world), body))
            #expect(try await !isRepeated("letters", letter("m2", body, secret, world), body))
            #expect(try await world.runs().count == 4)
        }
    }

    @Test("a caller with a token gets no other caller's answer for using the same event id")
    func callers() async throws {
        try await ServerWorld.run { world, client in
            for caller in [Caller.ann, .bob, .ann] {
                let name = try #require(caller.id)
                let headers = try await world.headers(caller)
                let answer = try await client.json("/hooks/asked", .post, headers: headers, body: #"{"id": "e1"}"#)
                #expect(answer.body == ["caller": .string(name)])
            }
            #expect(try await world.runs().count == 2)
        }
    }

    @Test("a repetition whose run is pruned is answered as one that was received")
    func pruned() async throws {
        try await ServerWorld.run { world, client in
            for expected in [["said": "hi", "agent": ""], ["received": true, "repeated": true]] as [Value] {
                var headers = Self.json
                headers[.userAgent] = ""
                let body = #"{"id": 7, "text": "hi"}"#
                let answer = try await client.json("/hooks/echo", .post, headers: headers, body: body)
                #expect((200...201).contains(answer.status))
                #expect(answer.body == expected)
                let now = world.clock.now()
                let (later, earlier) = (now + .seconds(60), now + .seconds(-60))
                let order = PruneOrder(runsBefore: try #require(later), deliveriesBefore: try #require(earlier))
                let run = try await world.runs().first?.id
                if let run { _ = try await world.engine.answer(of: run, timeLimit: .seconds(60)) }
                _ = try await world.engine.write { transaction throws(StoreError) in try transaction.prune(order) }
            }
            #expect(try await world.runs().isEmpty)
        }
    }
}
