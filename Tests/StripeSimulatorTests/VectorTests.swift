import Foundation
import Testing

@testable import StripeSimulator

@Suite("Vectors", .enabled(if: SharedData.isThere)) struct VectorTests {
    @Test("what is delivered is signed as the vectors that the official client accepts")
    func signatures() throws {
        let vectors = try #require(SharedData.json("../misc/stripe-signature-vectors.json")?.object?.array("vectors"))
        var checked = 0
        for vector in vectors.compactMap(\.object) where vector.bool("valid") == true {
            let header = vector.string("header") ?? ""
            let parts = header.split(separator: ",").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
            let time = try #require(parts.first { $0[0] == "t" }.flatMap { Int64($0[1]) })
            let made = SimulatorState.signature(
                of: Array((vector.string("payload") ?? "").utf8),
                at: time,
                secrets: [vector.string("secret") ?? ""]
            )
            let signature = made.split(separator: "=").last.map(String.init) ?? ""
            #expect(parts.contains { $0[0] == "v1" && $0[1] == signature }, "\(vector.string("name") ?? "")")
            checked += 1
        }
        #expect(checked >= 3)
    }

    @Test("forms are decoded as the vectors say")
    func forms() throws {
        let vectors = try #require(SharedData.json("form-encoding-vectors.json")?.object)
        for vector in try #require(vectors.array("decodeVectors")).compactMap(\.object) {
            let decoded = try FormDecoder.decode(Array((vector.string("encoded") ?? "").utf8))
            let expected = vector["decoded"] ?? .null
            #expect(Self.plain(.hash(decoded)) == expected, "\(vector.string("encoded") ?? "")")
        }
    }

    private static func plain(_ value: FormValue) -> JSONValue {
        switch value {
        case .text(let text): return .string(text)
        case .hash(let form):
            if !form.isEmpty, form.allSatisfy({ Int($0.key) != nil }) {
                return .array(form.sorted { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }.map { plain($0.value) })
            }
            return .object(JSONObject(form.map { ($0.key, plain($0.value)) }))
        }
    }
}
