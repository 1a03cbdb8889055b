import Expressions
import FlowEngine
import Foundation
import HTTPTransport
import TestSupport
import Testing

@testable import Connections

@Suite("Secrets that a service gives back")
struct SecretCoverTests {
    private static let secret = #"se"cr/et\é-key+0123"#

    private static func percent(_ text: String) -> String {
        text.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// As JSON may write a text: each character by its number.
    private static func numbers(_ text: String, sign: String = "\\") -> String {
        text.utf16.map { unit in
            let digits = String(unit, radix: 16)
            return sign + "u" + String(repeating: "0", count: 4 - digits.count) + digits
        }.joined()
    }

    private static func quoted(_ text: String) throws -> String {
        String(decoding: try JSON.encode(.string(text)).dropFirst().dropLast(), as: UTF8.self)
    }

    @Test("however JSON and percent signs write a secret, it is covered, and what stands around it stays")
    func escapes() throws {
        let cover = SecretCover([Self.secret])
        let quoted = try Self.quoted(Self.secret)
        let forms = [
            Self.secret, quoted, quoted.replacing("/", with: "\\/"), Self.numbers(Self.secret),
            Self.numbers(Self.secret).uppercased().replacing("\\U", with: "\\u"), Self.percent(Self.secret),
            Self.secret.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "",
            // JSON within JSON.
            try Self.quoted(quoted), Self.numbers(Self.secret, sign: "\\\\"),
        ]
        for form in forms { #expect(cover.cover("a=\(form)&b") == "a=••••&b", "\(form)") }
        let value = try JSON.parse(cover.cover(Array(#"{"k":"\#(Self.numbers(Self.secret))","n":1}"#.utf8)))
        #expect(value == ["k": "••••", "n": 1])
    }

    @Test("a character beyond 16 bits is found where JSON writes it as two")
    func pairs() {
        let cover = SecretCover(["key-😀-0123"])
        #expect(cover.cover(Self.numbers("key-😀-0123")) == "••••")
    }

    @Test("in base64 a secret is covered wherever it stands in the text, for URLs and with its signs escaped too")
    func base64() throws {
        let secret = "canary?>~token"
        let cover = SecretCover([secret])
        for before in ["", "u", "us", "user:"] {
            for after in ["", "!", "!!", ":more"] {
                let text = Data((before + secret + after).utf8).base64EncodedString()
                let forURLs = text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
                for form in [text, forURLs, text.replacing("/", with: "\\/"), Self.percent(text)] {
                    let covered = cover.cover("x \(form) y")
                    #expect(covered.hasPrefix("x ") && covered.hasSuffix(" y") && covered.contains("••••"), "\(form)")
                    let rest = covered.dropFirst(2).dropLast(2).split(separator: "•")
                    #expect(rest.allSatisfy { $0.count <= 3 * 4 * ((before + after).utf8.count + 2) / 3 }, "\(covered)")
                }
            }
        }
    }

    @Test("what only looks like a secret's beginning, and secrets too short to be one, are left as they are")
    func untouched() {
        let cover = SecretCover([Self.secret, "short"])
        for text in ["", "se", #"se"cr/et"#, "short", #"\"\u00"#, "%", "%2", #"\"#, "100% se%22cr", #"\ud83d\u"#] {
            #expect(cover.cover(text) == text)
        }
        #expect(SecretCover([]).cover("anything at all") == "anything at all")
    }

    @Test("a header that repeats the secret across the place where it is cut shows no part of it")
    func cut() {
        let fill = String(repeating: "a", count: HTTPAnswerReader.fieldBytesMax - 6)
        let headers = HTTPHeaders([("X-Back", fill + "canary-token-0123")])
        let response = HTTPResponse(status: 200, headers: headers, body: [])
        let value = HTTPAnswerReader.answer(from: response, covering: ["canary-token-0123"]).headers["x-back"]
        #expect(value?.contains("can") == false)
        #expect(value?.hasPrefix(fill) == true)
    }

    @Test("each secret has its own stand-in, also as base64 behind a user's name")
    func replacements() {
        let cover = SecretCover([("first-secret", "one"), ("other-secret", "two")], leastLength: 6)
        #expect(cover.cover("first-secret and other-secret") == "one and two")
        let basic = Data("user:other-secret".utf8).base64EncodedString()
        #expect(cover.cover("Basic \(basic)").contains("two"))
        #expect(!cover.cover("Basic \(basic)").contains(basic.suffix(12)))
    }
}
