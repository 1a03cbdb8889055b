import Connections
import Expressions
import Testing

private let stripePath = "misc/stripe-signature-vectors.json"
private let standardPath = "misc/standard-webhooks-vectors.json"

private func seconds(_ count: Int64) throws -> Timestamp { try #require(Timestamp(seconds: count, nanoseconds: 0)) }

@Suite("Stripe's signatures")
struct StripeSignatureTests {
    struct Vector: Sendable, CustomTestStringConvertible {
        let name: String
        let value: Value
        var testDescription: String { name }
    }

    private static let vectors: [Vector] = {
        guard let file = try? JSON.parse(SharedVectors.bytes(stripePath)) else { return [] }
        return (file["vectors"]?.listValue ?? []).map { Vector(name: $0["name"]?.stringValue ?? "?", value: $0) }
    }()

    /// Stripe's libraries let future stamps pass; here both sides are checked.
    ///
    /// The one difference.
    private static let difference = "future timestamp accepted by SDK"

    private let body = Array(#"{"id":"evt_1"}"#.utf8)
    private let secret = Secret("whsec_one")
    private let now: Int64 = 1_700_000_000

    private func code(
        _ header: String,
        body: [UInt8]? = nil,
        secrets: [Secret]? = nil,
        at moment: Int64? = nil
    ) throws -> SignatureError.Code? {
        do {
            try StripeSignature.verify(
                header: header,
                body: body ?? self.body,
                secrets: secrets ?? [secret],
                now: seconds(moment ?? now)
            )
            return nil
        } catch let error as SignatureError {
            return error.code
        }
    }

    @Test(
        "judges as Stripe's library does, but for future stamps",
        .enabled(if: SharedVectors.exist(stripePath)),
        arguments: vectors
    )
    func vector(_ vector: Vector) throws {
        let value = vector.value
        let isValid = try #require(value["valid"]?.boolValue as Bool?)
        let tolerance = value["tolerance"]?.intValue.map { Duration.seconds($0) }
        let payload = Array(try #require(value["payload"]?.stringValue).utf8)
        let now = try seconds(#require(value["now"]?.intValue))
        let header = try #require(value["header"]?.stringValue)
        let secret = Secret(try #require(value["secret"]?.stringValue))
        let isAccepted =
            (try? StripeSignature.verify(
                header: header,
                body: payload,
                secrets: [secret],
                now: now,
                tolerance: tolerance
            )) != nil
        #expect(isAccepted == (isValid && vector.name != Self.difference))
    }

    @Test("all vectors were there", .enabled(if: SharedVectors.exist(stripePath)))
    func counts() {
        #expect(Self.vectors.count >= 16 && Self.vectors.contains { $0.name == Self.difference })
    }

    @Test("what is signed is verified, and the secret that signed is told")
    func roundTrip() throws {
        let header = try StripeSignature.sign(body: body, secret: secret, at: seconds(now))
        let secrets = [Secret(""), Secret("whsec_other"), secret]
        let match = try StripeSignature.verify(header: header, body: body, secrets: secrets, now: seconds(now))
        #expect(match.secretIndex == 2 && match.signedAt == now)
    }

    @Test("300 s to either side pass, 301 do not")
    func tolerance() throws {
        let header = try StripeSignature.sign(body: body, secret: secret, at: seconds(now))
        #expect(try code(header, at: now + 300) == nil)
        #expect(try code(header, at: now - 300) == nil)
        #expect(try code(header, at: now + 301) == .tooOld)
        #expect(try code(header, at: now - 301) == .inTheFuture)
    }

    @Test("one changed byte anywhere is a mismatch")
    func everyByte() throws {
        let header = try StripeSignature.sign(body: body, secret: secret, at: seconds(now))
        for index in body.indices {
            var changed = body
            changed[index] ^= 1
            #expect(try code(header, body: changed) == .mismatch)
        }
        #expect(try code(header, body: body + [0x20]) == .mismatch)
        #expect(try code(header, body: []) == .mismatch)
    }

    @Test("an empty secret accepts nothing, though anybody can sign with it")
    func emptySecret() throws {
        let header = try StripeSignature.sign(body: body, secret: Secret(""), at: seconds(now))
        #expect(try code(header, secrets: [Secret("")]) == .mismatch)
        #expect(try code(header, secrets: []) == .mismatch)
    }

    @Test("a header that is malformed or without v1 is refused before anything is computed")
    func malformed() throws {
        let good = try StripeSignature.sign(body: body, secret: secret, at: seconds(now))
        let signature = good.split(separator: ",")[1]
        let cases: [(String, SignatureError.Code)] = [
            ("", .malformedHeader), ("t=,\(signature)", .malformedHeader), ("t=-1,\(signature)", .malformedHeader),
            ("t=1e9,\(signature)", .malformedHeader), ("t=\(now),t=\(now),\(signature)", .malformedHeader),
            ("t=9999999999999,\(signature)", .malformedHeader), ("t=٣,\(signature)", .malformedHeader),
            ("t=\(now)", .noKnownSignature), ("t=\(now),v1", .noKnownSignature), ("t=\(now),v1=", .noKnownSignature),
            ("t=\(now),v1=zz", .mismatch), ("t=0\(now),\(signature)", .mismatch),
            (good + String(repeating: " ", count: 9_000), .malformedHeader),
            ("t=\(now)" + String(repeating: ",\(signature.prefix(10))", count: 33), .malformedHeader),
        ]
        for (header, expected) in cases { #expect(try code(header) == expected, "\(header.prefix(60))") }
        #expect(try code("v0=1,x,\(signature),y=z,t=\(now)") == nil)
    }
}

@Suite("Standard Webhooks")
struct StandardWebhookTests {
    private static let vectors: [Value] = {
        guard let file = try? JSON.parse(SharedVectors.bytes(standardPath)) else { return [] }
        return file["vectors"]?.listValue ?? []
    }()

    private let secret = Secret("whsec_" + "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX")

    @Test("signs and verifies as the reference library", .enabled(if: SharedVectors.exist(standardPath)))
    func vectors() throws {
        #expect(Self.vectors.count >= 3)
        for vector in Self.vectors {
            let time = try seconds(#require(vector["webhook-timestamp"]?.intValue))
            let secret = Secret(try #require(vector["secret"]?.stringValue))
            let body = Array(try #require(vector["body"]?.stringValue).utf8)
            let id = try #require(vector["webhook-id"]?.stringValue)
            let headers = try StandardWebhook.sign(id: id, body: body, secret: secret, at: time)
            #expect(headers.signature == vector["webhook-signature"]?.stringValue)
            #expect(try StandardWebhook.verify(headers, body: body, secrets: [secret], now: time) == 0)
        }
    }

    @Test("every part is bound by the signature, and a dot cannot move them")
    func binding() throws {
        let now = try seconds(1_700_000_000)
        let body = Array("1.x".utf8)
        let good = try StandardWebhook.sign(id: "msg", body: body, secret: secret, at: now)
        func code(
            _ change: (inout StandardWebhook.Headers) -> Void,
            body changed: [UInt8]? = nil
        ) -> SignatureError.Code? {
            var headers = good
            change(&headers)
            do {
                try StandardWebhook.verify(headers, body: changed ?? body, secrets: [secret], now: now)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(code { _ in } == nil)
        #expect(code { $0.id = "msg2" } == .mismatch)
        #expect(code { $0.timestamp = "1700000001" } == .mismatch)
        #expect(code({ _ in }, body: Array("2.x".utf8)) == .mismatch)
        #expect(code { $0.signature = "v1,AAAA \($0.signature) v2,x" } == nil)
        #expect(code { $0.signature = "v1a,\($0.signature.dropFirst(3))" } == .noKnownSignature)
        #expect(code { $0.timestamp = "x" } == .malformedHeader)
        #expect(
            code(
                {
                    $0.id = "msg.1700000000"; $0.timestamp = "1"
                },
                body: [0x78]
            ) == .malformedHeader
        )
    }

    @Test("a stamp too far to either side is refused, a secret that is none is told")
    func toleranceAndSecret() throws {
        let now = try seconds(1_700_000_000)
        let headers = try StandardWebhook.sign(id: "m", body: [], secret: secret, at: now)
        for (moment, code) in [(301, SignatureError.Code.tooOld), (-301, .inTheFuture)] {
            let error = try #require(throws: SignatureError.self) {
                try StandardWebhook.verify(
                    headers,
                    body: [],
                    secrets: [secret],
                    now: seconds(1_700_000_000 + Int64(moment))
                )
            }
            #expect(error.code == code)
        }
        for text in ["whsec_", "whsec_!!", "", "whsec_AAAA"] {
            let error = try #require(throws: SignatureError.self) {
                try StandardWebhook.sign(id: "m", body: [], secret: Secret(text), at: now)
            }
            #expect(error.code == .malformedSecret)
        }
    }
}
