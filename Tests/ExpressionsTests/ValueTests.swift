import Expressions
import Foundation
import Testing

@Suite("Values")
struct ValueTests {
    @Test("a map keeps its order, small and large, and forgets what is removed")
    func map() {
        var map = ValueMap()
        for number in 0..<40 { map["k\(number)"] = .int(Int64(number)) }
        #expect(map.count == 40)
        #expect(map["k39"] == 39)
        map["k3"] = nil
        map["k5"] = "five"
        #expect(map["k3"] == nil)
        #expect(map["k39"] == 39)
        #expect(map.keys.prefix(5).map(\.stringValue) == ["k0", "k1", "k2", "k4", "k5"])
        let other = map
        map["k0"] = nil
        #expect(other["k0"] == 0)
        #expect(map != other)
    }

    @Test("a copy of a map is untouched by changes to the other, whatever its size", arguments: [0, 1, 4, 24, 25, 40])
    func mapCopies(size: Int) {
        var map = ValueMap(minimumCapacity: size / 2)
        for number in 0..<size { map["a key longer than a word \(number)"] = .list([.int(Int64(number))]) }
        let before = map
        let keys = map.keys
        map["new"] = 1
        map[7] = "seven"
        if size > 0 {
            map["a key longer than a word 0"] = "changed"
            map["a key longer than a word \(size - 1)"] = nil
        }
        #expect(before.count == size)
        #expect(before.keys == keys)
        #expect(before["new"] == nil && before[7] == nil)
        #expect(map["new"] == 1 && map[7] == "seven")
        for number in 0..<size { #expect(before["a key longer than a word \(number)"] == [.int(Int64(number))]) }
        for key in map.keys { map[key] = nil }
        #expect(map.isEmpty && map == ValueMap() && map["new"] == nil)
        map["again"] = true
        #expect(map.keys == ["again"])
    }

    @Test("a key is found by its text wherever the text lies")
    func mapKeys() {
        var roomy = String()
        roomy.reserveCapacity(100)
        roomy += "id"
        let map: ValueMap = ["id": 1, "longlonglonglonglonglonglonglonglong": 2]
        #expect(map[roomy] == 1)
        #expect(map[String(repeating: "long", count: 9)] == 2)
        #expect(map["i"] == nil && map[""] == nil)
    }

    @Test("an optional value lies in memory as the value does, which evaluation counts on")
    func layout() {
        #expect(MemoryLayout<Value?>.size == MemoryLayout<Value>.size)
        #expect(MemoryLayout<Value?>.stride == MemoryLayout<Value>.stride)
    }

    @Test("texts are equal by code points, not by how they look")
    func text() {
        #expect(Value.string("e\u{301}") != Value.string("\u{E9}"))
        #expect(!Value.string("e\u{301}").celEquals("\u{E9}"))
        let map: ValueMap = ["e\u{301}": 1, "\u{E9}": 2]
        #expect(map.count == 2)
    }

    @Test("representation and CEL's equality differ where they should")
    func equality() {
        #expect(Value.int(1) != Value.double(1))
        #expect(Value.int(1).celEquals(.double(1)))
        #expect(Value.uint(1).celEquals(.int(1)))
        #expect(Value.double(.nan) == Value.double(.nan))
        #expect(!Value.double(.nan).celEquals(.double(.nan)))
        #expect(Value.list([1, 2]).celEquals(.list([1.0, 2.0])))
    }

    @Test(
        "timestamps are read and written in RFC 3339",
        arguments: [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
            ("2026-11-20T19:02:24+01:00", 1_795_197_744, "2026-11-20T18:02:24Z"),
            ("0001-01-01T00:00:00Z", -62_135_596_800, "0001-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59.5Z", 253_402_300_799, "9999-12-31T23:59:59.500Z"),
            ("2024-02-29T12:00:00.000001Z", 1_709_208_000, "2024-02-29T12:00:00.000001Z"),
        ] as [(String, Int64, String)]
    )
    func timestamps(text: String, seconds: Int64, written: String) throws {
        let moment = try #require(Timestamp(rfc3339: text))
        #expect(moment.seconds == seconds)
        #expect(moment.rfc3339 == written)
    }

    @Test(
        "what is no moment is refused",
        arguments: [
            "", "2026-11-20", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-20T24:00:00Z",
            "2026-11-20T00:00:60Z",
            "2026-11-20T00:00:00", "2026-11-20 00:00:00Z", "2026-11-20T00:00:00.Z", "2026-11-20T00:00:00+25:00",
            "0001-01-01T00:00:00+01:00", "10000-01-01T00:00:00Z", "2026-11-20T00:00:00Zx",
        ]
    )
    func badTimestamps(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("microseconds and spans are added and taken away")
    func moments() throws {
        let moment = try #require(Timestamp(microseconds: -1))
        #expect(moment.rfc3339 == "1969-12-31T23:59:59.999999Z")
        #expect(moment.microseconds == -1)
        #expect((moment + .milliseconds(1))?.microseconds == 999)
        let sum = moment + .seconds(90)
        let later = try #require(sum)
        #expect(later - moment == .seconds(90))
        #expect((Timestamp(seconds: 253_402_300_799, nanoseconds: 0)).flatMap { $0 + .seconds(1) } == nil)
    }

    @Test(
        "durations are read as CEL writes them",
        arguments: [
            ("1h30m", 5400.0), ("1.5s", 1.5), ("-3ms", -0.003), ("0", 0), ("1m1.25s", 61.25), ("100us", 0.0001),
            (".5h", 1800), ("1", nil), ("", nil), ("s", nil), ("1x", nil), ("10000000h", nil), ("1h-3m", nil),
        ] as [(String, Double?)]
    )
    func durations(text: String, seconds: Double?) {
        #expect(Duration(celText: text).map { $0 / .seconds(1) } == seconds)
    }
}

@Suite("JSON")
struct JSONTests {
    @Test("a document is read and written back, keys in their order")
    func roundTrip() throws {
        let text = #"{"b":[1,-2,3.5,1e+21,true,false,null,"ü\n\"\\"],"a":{"z":{}},"c":[]}"#
        #expect(String(decoding: try JSON.encode(try JSON.parse(text)), as: UTF8.self) == text)
        #expect(try JSON.parse("1e3") == .double(1000))
        #expect(try JSON.parse("1.0") == .double(1))
        #expect(try JSON.parse("-0") == .int(0))
    }

    @Test(
        "what is no JSON, or beyond a limit, is refused with its place",
        arguments: [
            ("", 0, "syntax"), ("{", 1, "syntax"), ("[1,]", 3, "syntax"), ("{\"a\":1,\"a\":2}", 7, "duplicate_key"),
            ("9223372036854775808", 0, "number_range"), ("1e999", 0, "number_range"), ("01", 0, "syntax"),
            ("+1", 0, "syntax"),
            ("\"\\ud800\"", 1, "encoding"), ("\"\u{1}\"", 1, "syntax"), ("[1] x", 4, "syntax"), ("nul", 0, "syntax"),
            ("'a'", 0, "syntax"),
            (String(repeating: "[", count: 65), 64, "too_large"), ("{1:2}", 1, "syntax"), ("[\"a", 1, "syntax"),
            ("NaN", 0, "syntax"),
        ]
    )
    func refused(text: String, offset: Int, code: String) {
        do throws(JSONError) {
            _ = try JSON.parse(text)
            Issue.record("accepted")
        } catch {
            #expect(error.offset == offset)
            #expect(error.code.rawValue == code)
        }
    }

    @Test("the exact form gives every value back")
    func exact() throws {
        let value: Value = [
            "whole": 1, "double": 1.0, "big": .double(1e300), "unsigned": .uint(7), "bytes": .bytes([0, 255]),
            "nan": .double(.nan), "least": .double(-.infinity), "zero": .double(-0.0),
            "at": .timestamp(try #require(Timestamp(rfc3339: "2026-11-20T19:02:24.123456789Z"))),
            "span": .duration(.milliseconds(-1500)),
            "fine": .duration(Duration(secondsComponent: 1, attosecondsComponent: 1)),
            "type": .type(TypeValue(name: "int")), "some": .optional(OptionalValue(1)), "none": .optional(.none),
            "keys": .map([1: "a", true: "b", "$x": "c"]), "like": ["$uint": "7"], "list": [[], [:], nil, true, "text"],
        ]
        let bytes = JSON.encodeExact(value)
        #expect(try JSON.parseExact(bytes) == value)
        #expect(throws: JSONError.self) { try JSON.parseExact(Array(#"{"$what":1}"#.utf8)) }
    }

    @Test("what must be escaped is, wherever it stands in a text, and what need not be is not")
    func escapes() throws {
        let escaped = ["\"": #"\""#, "\\": #"\\"#, "\n": #"\n"#, "\u{0}": #"\u0000"#, "\u{1F}": #"\u001f"#]
        let plain = [" ", "!", "#", "[", "]", "\u{7F}", "\u{80}", "é", "€", "😀", "\u{FFFF}"]
        let pieces = escaped.map { ($0.key, $0.value) } + plain.map { ($0, $0) }
        for (text, written) in pieces {
            for before in 0...17 {
                for after in [0, 1, 7, 8, 9] {
                    let (left, right) = (String(repeating: "a", count: before), String(repeating: "b", count: after))
                    let value = Value.string(left + text + right)
                    let json = "\"" + left + written + right + "\""
                    #expect(String(decoding: JSON.encodeExact(value), as: UTF8.self) == json)
                    #expect(try JSON.parseExact(Array(json.utf8)) == value)
                    #expect(try JSON.parse(json + " ") == value)
                }
            }
        }
        for position in 0...17 {
            var bytes = Array(("\"" + String(repeating: "a", count: 18) + "\"").utf8)
            for forbidden: UInt8 in [0x00, 0x0A, 0x1F, 0xFF, 0x80] {
                bytes[position + 1] = forbidden
                #expect(throws: JSONError.self) { try JSON.parse(bytes) }
            }
        }
    }

    @Test("plain JSON has forms for times and bytes, and none for types")
    func plain() throws {
        let value: Value = ["b": .bytes([1, 2]), "d": .duration(.milliseconds(1500)), "u": .uint(3)]
        #expect(String(decoding: try JSON.encode(value), as: UTF8.self) == #"{"b":"AQI=","d":"1.5s","u":3}"#)
        #expect(throws: JSONError.self) { try JSON.encode(.double(.nan)) }
        #expect(throws: JSONError.self) { try JSON.encode(.type(TypeValue(name: "int"))) }
        #expect(try JSON.encodePretty(["a": [1], "b": [:]]) == "{\n  \"a\": [\n    1\n  ],\n  \"b\": {}\n}")
    }

    static let shared = ProcessInfo.processInfo.environment["RUNNEL_SHARED"] ?? "../shared"

    static func sharedFile(_ path: String) -> Value? {
        for folder in [shared + "/data/", shared + "/"] {
            if let data = FileManager.default.contents(atPath: folder + path) {
                return try? JSON.parse(Array(data), limits: JSONLimits(bytes: 64 << 20, values: 10_000_000))
            }
        }
        return nil
    }

    @Test(
        "the JSON test suite's verdicts hold",
        .enabled(if: sharedFile("json/json-test-suite.json") != nil, "no JSON test suite")
    )
    func suite() throws {
        let document = try #require(Self.sharedFile("json/json-test-suite.json"))
        let cases = document["parsing"]?.listValue ?? []
        #expect(cases.count > 200)
        for test in cases {
            guard let bytes = Self.bytes(of: test) else { continue }
            let isAccepted = (try? JSON.parse(bytes, limits: JSONLimits(depth: 600))) != nil
            let name = test["name"]?.stringValue ?? ""
            // Repeated keys are JSON, and refused here on purpose.
            if name.contains("duplicated_key") { continue }
            if test["expect"] == "accept" { #expect(isAccepted, "\(name)") }
            if test["expect"] == "reject" { #expect(!isAccepted, "\(name)") }
        }
    }

    static func bytes(of test: Value) -> [UInt8]? {
        if let text = test["text"]?.stringValue { return Array(text.utf8) }
        guard let base64 = test["b64"]?.stringValue else { return nil }
        return Data(base64Encoded: base64).map(Array.init)
    }

    @Test("canonical JSON is RFC 8785's", .enabled(if: sharedFile("json/jcs-vectors.json") != nil, "no vectors"))
    func canonical() throws {
        #expect(
            String(decoding: try JSON.canonical(["b": 1.0, "a": [1e21, 0.000001, 1e-7, -0.0]]), as: UTF8.self)
                == #"{"a":[1e+21,0.000001,1e-7,0],"b":1}"#
        )
        #expect(throws: JSONError.self) { try JSON.canonical(.int(9_007_199_254_740_993)) }
        for vector in Self.sharedFile("json/jcs-vectors.json")?["vectors"]?.listValue ?? [] {
            guard let input = vector["input"]?.stringValue, let value = try? JSON.parse(input) else { continue }
            #expect(String(decoding: try JSON.canonical(value), as: UTF8.self) == vector["output"]?.stringValue)
        }
        for vector in Self.sharedFile("json/es6-number-vectors.json")?["vectors"]?.listValue ?? [] {
            guard let bits = vector.listValue?[0].stringValue, let pattern = UInt64(bits, radix: 16) else { continue }
            let text = String(decoding: try JSON.canonical(.double(Double(bitPattern: pattern))), as: UTF8.self)
            #expect(text == vector.listValue?[1].stringValue)
        }
    }
}
