import Expressions
import Foundation
import Testing

/// A small generator of numbers: the same seed gives the same texts on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}

@Suite("Hostile texts")
struct FuzzTests {
    static let seed = ProcessInfo.processInfo.environment["EXPRESSIONS_FUZZ_SEED"].flatMap(UInt64.init) ?? 20_261_120
    static let count = ProcessInfo.processInfo.environment["EXPRESSIONS_FUZZ_COUNT"].flatMap(Int.init) ?? 5000

    static let corpus = [
        "blocks.handler.paymentStatus == 'SUCCEEDED' && !blocks.handler.callbackProcessed",
        "[1, 2, 3].map(x, x > 1, x * 2).filter(y, y % 2 == 0)",
        "{'a': 1, 'b': [1, 2u, 3.0e5, null]}['b'][?3].orValue(7)",
        "input.name.matches('^[a-z]+(\\\\d{2,5}|x*)?$') ? \"\"\"text\"\"\" : r'raw\\d'",
        "b'\\x00\\377' + bytes('äöü€😀')",
        "timestamp('2026-11-20T19:02:24.123Z').getHours('Europe/Berlin') + duration('1h30m').getMinutes()",
        "cel.bind(a, input.total, a * a + a)", "has(blocks.a.b) && blocks.?a.b.orValue(0) > 0x7fu",
        "'%s %d %.3f %x'.format(['a', 1, 2.5, b'z'])", "money.split(money.minor('19.99', 'usd'), 3)",
        "{'k': 1}.transformMap(k, v, v > 0, string(k) + string(v))", "math.greatest(1, 2.0, 3u) in [1, 2, 3]",
        "'a,b,c'.split(',').join('-').substring(1).upperAscii()", "[3, 1, 2].sortBy(x, -x)[0] == 3 || false",
        "optional.of(1).optMap(x, x + 1).value()", "type(1) == int && dyn(1) == 1.0", "sets.contains([1], [1])",
    ]

    static let pieces = [
        "(", ")", "[", "]", "{", "}", ".", ",", ":", "?", "!", "-", "+", "*", "/", "%", "&&", "||", "==", "!=", "<",
        ">=",
        "in", "true", "null", "1", "0x", "1e", "1u", "''", "\"", "'", "`", "\\", "r'", "b'", "'''", "//", "\n", "\u{0}",
        "é",
        "😀", "${", "}", "x", "input", "blocks", ".map(", ".all(", "has(", "cel.bind(", "cel.index(0)", "size(",
        "9223372036854775808", "-", "@", "#", "$", ";", "=", "&", "|", "~", "^", ".?", "[?", "{?", "matches('(')",
    ]

    static func text(_ generator: inout SeededGenerator) -> String {
        switch generator.below(4) {
        case 0:
            return (0..<generator.below(24)).map { _ in pieces[generator.below(pieces.count)] }.joined()
        case 1:
            let bytes = (0..<generator.below(60)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
            return String(decoding: bytes, as: UTF8.self)
        default:
            var scalars = Array(corpus[generator.below(corpus.count)].unicodeScalars)
            for _ in 0...generator.below(4) {
                let position = generator.below(scalars.count + 1)
                switch generator.below(4) {
                case 0: scalars.insert(contentsOf: pieces[generator.below(pieces.count)].unicodeScalars, at: position)
                case 1 where position < scalars.count: scalars.remove(at: position)
                case 2 where position < scalars.count:
                    let other = Array(corpus[generator.below(corpus.count)].unicodeScalars)
                    scalars.replaceSubrange(position..., with: other[generator.below(other.count)...])
                default:
                    let other = generator.below(scalars.count + 1)
                    scalars.insert(contentsOf: scalars[min(position, other)..<max(position, other)], at: position)
                }
            }
            return String(String.UnicodeScalarView(scalars))
        }
    }

    @Test("no text crashes or hangs, and every mistake has its place inside the text")
    func mutations() {
        var generator = SeededGenerator(seed: Self.seed)
        let input: Value = ["name": "abc", "total": 3]
        let blocks: Value = ["handler": ["paymentStatus": "SUCCEEDED", "callbackProcessed": false]]
        let scope = Bindings([input, blocks, .int(1)])
        var compiled = 0
        for number in 0..<Self.count {
            let text = Self.text(&generator)
            let declarations = Declarations(
                [.init("input", .dynamic), .init("blocks", .dynamic), .init("x", .int)],
                isChecked: number % 3 != 0
            )
            let compilation = Expression.compile(text, declarations: declarations)
            let length = text.utf8.count
            for finding in compilation.findings {
                let isInside = finding.range.lowerBound >= 0 && finding.range.upperBound <= length
                #expect(isInside, "\(text): \(finding)")
            }
            for reference in compilation.references where reference.range.upperBound > length {
                Issue.record("\(text)")
            }
            _ = Template.parse(text)
            guard let expression = compilation.expression else { continue }
            compiled += 1
            do throws(EvaluationError) {
                _ = try expression.evaluate(in: scope, budget: EvaluationBudget(steps: 100_000, bytes: 1 << 20))
            } catch {
                let isInside = error.range.lowerBound >= 0 && error.range.upperBound <= length
                #expect(isInside, "\(text): \(error)")
            }
        }
        #expect(compiled > Self.count / 40, "seed \(Self.seed): \(compiled) of \(Self.count) compiled")
    }

    @Test("no JSON text crashes the reader, and what it reads is written back the same")
    func json() throws {
        var generator = SeededGenerator(seed: Self.seed ^ 0xFF)
        let pieces = [
            "{", "}", "[", "]", ",", ":", "\"a\"", "\"\\u00e9\"", "1", "-0.5e3", "true", "null", " ", "\"", "\\", "0",
        ]
        for _ in 0..<Self.count {
            let text = (0..<generator.below(16)).map { _ in pieces[generator.below(pieces.count)] }.joined()
            guard let value = try? JSON.parse(text) else { continue }
            #expect(try JSON.parse(try JSON.encode(value)) == value)
            #expect(try JSON.parseExact(JSON.encodeExact(value)) == value)
        }
    }

    @Test("members read alone are those of the whole, and a fault of the rest is told the same")
    func members() throws {
        var generator = SeededGenerator(seed: Self.seed ^ 0xFFFF)
        let wanted: JSONMembers = ["id": .whole, "data": .members(["object": .members(["id": .whole])])]
        // In any reading: one that meets something odd may keep more.
        func project(_ value: Value) -> [Value?] {
            let object = value["data"]?["object"]
            return [
                value["id"], value["data"]?.mapValue == nil ? value["data"] : nil,
                object?.mapValue == nil ? object : nil, object?["id"],
            ]
        }
        let pieces = [
            "{", "}", "[", "]", ",", ":", "\"id\"", "\"data\"", "\"object\"", "\"é\"", "\"\\u0069d\"", "\"other\"", "7",
            "null", "\"", "\\", " ", "\"a text of more than eight bytes\"", "1e999", "\u{1}",
        ]
        let document =
            Array(
                #"{"id":"evt_1","type":"a.b","data":{"object":{"id":"pi_1","amount":1000,"list":[1,{"id":2}],"word":"ü"},"#
                    .utf8
            )
            + Array(
                #""previous":{"id":null,"deep":{"a":[[],{}],"text":"x\\ny"}}},"livemode":false,"request":null}"#.utf8
            )
        var accepted = 0
        for round in 0..<(Self.count / 4) {
            var bytes = document
            for _ in 0..<(round % 4) {
                let place = generator.below(bytes.count)
                let piece = Array(pieces[generator.below(pieces.count)].utf8)
                let end = min(bytes.count, place + generator.below(8))
                bytes.replaceSubrange(place..<end, with: piece)
            }
            let whole = Result { () throws(JSONError) in try JSON.parse(bytes) }
            let kept = Result { () throws(JSONError) in try JSON.parse(bytes, keeping: wanted) }
            switch (whole, kept) {
            case (.success(let whole), .success(let kept)):
                accepted += 1
                #expect(project(kept) == project(whole), "\(String(decoding: bytes, as: UTF8.self))")
            case (.failure(let one), .failure(let other)):
                #expect(one == other, "\(String(decoding: bytes, as: UTF8.self))")
            default:
                Issue.record("only one reading takes \(String(decoding: bytes, as: UTF8.self))")
            }
        }
        #expect(accepted > Self.count / 16 && accepted < Self.count / 4)
        #expect(try JSON.parse(document, keeping: wanted) == ["id": "evt_1", "data": ["object": ["id": "pi_1"]]])
    }
}
