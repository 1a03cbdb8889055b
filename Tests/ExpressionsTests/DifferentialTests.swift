import Expressions
import Foundation
import TestSupport
import Testing

/// Makes well-typed expressions of CEL's standard part from a seed.
struct ExpressionGenerator {
    enum Kind: CaseIterable { case int, uint, double, string, bool, bytes, ints, strings, map, timestamp, duration }

    var random: SeededGenerator
    private var names: [(name: String, kind: Kind)] = [
        ("i", .int), ("j", .int), ("d", .double), ("s", .string), ("t", .string), ("b", .bool), ("l", .ints),
        ("m", .map),
    ]

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func expression() -> String {
        make(Kind.allCases[random.below(Kind.allCases.count)], depth: 4)
    }

    private mutating func pick(_ choices: [String]) -> String { choices[random.below(choices.count)] }

    private mutating func make(_ kind: Kind, depth: Int) -> String {
        let known = names.filter { $0.kind == kind }.map(\.name)
        if !known.isEmpty, random.below(4) == 0 { return pick(known) }
        if depth <= 0 { return leaf(kind) }
        if random.below(12) == 0 {
            return
                "(\(make(.bool, depth: depth - 1)) ? \(make(kind, depth: depth - 1)) : \(make(kind, depth: depth - 1)))"
        }
        switch kind {
        case .int: return int(depth - 1)
        case .bool: return bool(depth - 1)
        case .string: return string(depth - 1)
        default: return other(kind, depth - 1)
        }
    }

    private mutating func leaf(_ kind: Kind) -> String {
        switch kind {
        case .int: pick(["0", "1", "-1", "7", "42", "9223372036854775807", "-9223372036854775808", "1000000007"])
        case .uint: pick(["0u", "1u", "7u", "18446744073709551615u"])
        case .double: pick(["0.0", "-0.0", "1.5", "-2.25", "1e300", "0.1", "3.0"])
        case .string: pick(["''", "'a'", "'abc'", "'äöü'", "'😀x'", "'10'", "'-3'", "'aab'"])
        case .bool: pick(["true", "false"])
        case .bytes: pick(["b''", "b'abc'", "b'\\xff\\x00'"])
        case .ints: pick(["[]", "[1]", "[3, 1, 2]", "[0, -5, 9223372036854775807]"])
        case .strings: pick(["['a']", "['b', 'a', '']", "['abc', 'äöü']"])
        case .map: pick(["{'a': 1}", "{'a': 1, 'b': 2, '': 0}", "{'abc': -1}"])
        case .timestamp:
            pick(["timestamp('2026-11-20T19:02:24Z')", "timestamp('2000-02-29T23:59:59.5Z')", "timestamp(0)"])
        case .duration: pick(["duration('1h')", "duration('-90s')", "duration('1.5s')", "duration('0s')"])
        }
    }

    private mutating func int(_ depth: Int) -> String {
        let time = pick([
            "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours",
            "getSeconds",
        ])
        switch random.below(12) {
        case 0...3:
            return "(\(make(.int, depth: depth)) \(pick(["+", "-", "*", "/", "%"])) \(make(.int, depth: depth)))"
        case 4: return "size(\(make(pick3(.string, .ints, .map), depth: depth)))"
        case 5: return "\(make(.ints, depth: depth))[\(make(.int, depth: 0))]"
        case 6: return "\(make(.map, depth: depth))[\(make(.string, depth: depth))]"
        case 7: return "int(\(make(pick3(.double, .uint, .string), depth: depth)))"
        case 8:
            return
                "\(make(.timestamp, depth: depth)).\(time)(\(pick(["", "'UTC'", "'America/New_York'", "'+05:30'", "'Europe/Berlin'"])))"
        case 9: return "-(\(make(.int, depth: depth)))"
        case 10: return "size(\(make(.strings, depth: depth)))"
        default: return "\(make(.duration, depth: depth)).\(pick(["getHours", "getMinutes", "getSeconds"]))()"
        }
    }

    private mutating func pick3(_ first: Kind, _ second: Kind, _ third: Kind) -> Kind {
        [first, second, third][random.below(3)]
    }

    private mutating func bool(_ depth: Int) -> String {
        let kind = Kind.allCases[random.below(Kind.allCases.count)]
        let ordered: [Kind] = [.int, .uint, .double, .string, .bool, .bytes, .timestamp, .duration]
        let number: [Kind] = [.int, .uint, .double]
        switch random.below(12) {
        case 0: return "(\(make(kind, depth: depth)) \(pick(["==", "!="])) \(make(kind, depth: depth)))"
        case 1, 2:
            let kind = ordered[random.below(ordered.count)]
            return "(\(make(kind, depth: depth)) \(pick(["<", "<=", ">", ">="])) \(make(kind, depth: depth)))"
        case 3:
            // cel-cpp's checker, unlike CEL's definition, has no mixed overloads: so both sides are dynamic.
            let operation = pick(["<", "<=", ">", ">=", "==", "!="])
            return
                "(dyn(\(make(number[random.below(3)], depth: depth))) \(operation) dyn(\(make(number[random.below(3)], depth: depth))))"
        case 4, 5: return "(\(make(.bool, depth: depth)) \(pick(["&&", "||"])) \(make(.bool, depth: depth)))"
        case 6: return "!\(make(.bool, depth: depth))"
        case 7: return "(\(make(.int, depth: depth)) in \(make(.ints, depth: depth)))"
        case 8: return "(\(make(.string, depth: depth)) in \(make(.map, depth: depth)))"
        case 9:
            return
                "\(make(.string, depth: depth)).\(pick(["startsWith", "endsWith", "contains"]))(\(make(.string, depth: depth)))"
        case 10:
            return
                "\(make(.string, depth: depth)).matches('\(pick(["a+b?", "^a", "c$", "[^a-c]", "(a|ab)(c|bcd)*", "^.$", "\\\\d{2}", "^$"]))')"
        default: return quantifier(depth)
        }
    }

    private mutating func bind(_ kind: Kind, _ body: (inout ExpressionGenerator, String) -> String) -> String {
        let name = "v\(names.count)"
        names.append((name, kind))
        defer { names.removeLast() }
        return body(&self, name)
    }

    private mutating func quantifier(_ depth: Int) -> String {
        let macro = pick(["all", "exists", "exists_one"])
        let source = make(.ints, depth: depth)
        return bind(.int) { generator, name in
            "\(source).\(macro)(\(name), \(generator.make(.bool, depth: depth)))"
        }
    }

    private mutating func string(_ depth: Int) -> String {
        switch random.below(5) {
        case 0, 1: "(\(make(.string, depth: depth)) + \(make(.string, depth: depth)))"
        case 2: "string(\(make(pick3(.int, .uint, .bool), depth: depth)))"
        case 3: "\(make(.strings, depth: depth))[\(random.below(3))]"
        default: "string(\(make(pick3(.bytes, .int, .bool), depth: depth)))"
        }
    }

    private mutating func other(_ kind: Kind, _ depth: Int) -> String {
        let source = make(.ints, depth: depth)
        switch kind {
        case .uint:
            if random.below(2) == 0 { return "uint(\(make(pick3(.int, .double, .string), depth: depth)))" }
            return "(\(make(.uint, depth: depth)) \(pick(["+", "-", "*", "/", "%"])) \(make(.uint, depth: depth)))"
        case .double:
            if random.below(3) == 0 { return "double(\(make(pick3(.int, .uint, .string), depth: depth)))" }
            return "(\(make(.double, depth: depth)) \(pick(["+", "-", "*", "/"])) \(make(.double, depth: depth)))"
        case .bytes: return random.below(2) == 0 ? "bytes(\(make(.string, depth: depth)))" : leaf(.bytes)
        case .ints:
            if random.below(3) == 0 { return "(\(source) + \(make(.ints, depth: depth)))" }
            let isMap = random.below(2) == 0
            return bind(.int) { generator, name in
                "\(source).\(isMap ? "map" : "filter")(\(name), \(generator.make(isMap ? .int : .bool, depth: depth)))"
            }
        case .strings:
            return bind(.int) { generator, name in "\(source).map(\(name), \(generator.make(.string, depth: depth)))" }
        case .map: return "{\(make(.string, depth: 0)): \(make(.int, depth: depth))}"
        case .timestamp:
            return "(\(make(.timestamp, depth: depth)) \(pick(["+", "-"])) \(make(.duration, depth: depth)))"
        case .duration:
            if random.below(2) == 0 { return "(\(make(.timestamp, depth: depth)) - \(make(.timestamp, depth: depth)))" }
            return "(\(make(.duration, depth: depth)) \(pick(["+", "-"])) \(make(.duration, depth: depth)))"
        default: return leaf(kind)
        }
    }
}

/// Compares with Google's cel-cpp through PyPI `cel-expr-python`, where a Python that has it is found (`CEL_PYTHON`).
@Suite("Differential")
struct DifferentialTests {
    static let python = ProcessInfo.processInfo.environment["CEL_PYTHON"] ?? "python3"
    static let count = ProcessInfo.processInfo.environment["CEL_DIFFERENTIAL_COUNT"].flatMap(Int.init) ?? 10_000

    static let isOracleThere = (try? run(["-c", "from cel_expr_python import cel"]))?.status == 0

    static func run(_ arguments: [String]) throws -> (status: Int32, output: [UInt8]) {
        try SpawnedProgram.run(python, arguments)
    }

    static let script = #"""
        import datetime, json, struct, sys
        from cel_expr_python import cel
        T = cel.Type
        env = cel.NewEnv(variables={"i": T.INT, "j": T.INT, "d": T.DOUBLE, "s": T.STRING, "t": T.STRING, "b": T.BOOL,
                                    "l": T.List(T.INT), "m": T.Map(T.STRING, T.INT)})
        data = {"i": 5, "j": -3, "d": 2.5, "s": "abc", "t": "äb", "b": True, "l": [4, 0, -2], "m": {"a": 1, "abc": 7}}
        epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
        def micros(span): return (span.days * 86400 + span.seconds) * 1000000 + span.microseconds
        def show(v):
            if v is None: return "n"
            if isinstance(v, bool): return "true" if v else "false"
            if isinstance(v, int): return "i%d" % v
            if isinstance(v, float): return "nan" if v != v else "d" + struct.pack(">d", v).hex()
            if isinstance(v, str): return "s" + v.encode().hex()
            if isinstance(v, (bytes, bytearray)): return "y" + bytes(v).hex()
            if isinstance(v, datetime.datetime): return "t%d" % micros(v - epoch)
            if isinstance(v, datetime.timedelta): return "u%d" % micros(v)
            if isinstance(v, list): return "[" + ",".join(map(show, v)) + "]"
            if isinstance(v, dict): return "{" + ",".join(sorted(show(k) + ":" + show(x) for k, x in v.items())) + "}"
            return "?" + str(type(v))
        for line in open(sys.argv[1], encoding="utf-8"):
            try:
                program = env.compile(json.loads(line))
            except Exception as error:
                print("check")
                continue
            try:
                value = program.eval(data=data)
                print("error" if value.type() == T.ERROR else show(value.plain_value()))
            except Exception as error:
                print("error")
        """#

    static func show(_ value: Value) -> String {
        switch value {
        case .null: "n"
        case .bool(let truth): truth ? "true" : "false"
        case .int(let number): "i\(number)"
        case .uint(let number): "i\(number)"
        case .double(let number):
            number.isNaN ? "nan" : "d" + hex(withUnsafeBytes(of: number.bitPattern.bigEndian) { Array($0) })
        case .string(let text): "s" + hex(Array(text.utf8))
        case .bytes(let bytes): "y" + hex(bytes)
        case .timestamp(let moment): "t\(moment.microseconds)"
        case .duration(let span): "u\((span.wholeNanoseconds ?? 0) / 1000)"
        case .list(let elements): "[" + elements.map(show).joined(separator: ",") + "]"
        case .map(let map):
            "{" + map.map { show($0.key.value) + ":" + show($0.value) }.sorted().joined(separator: ",") + "}"
        default: "?"
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func ours(_ text: String) -> String {
        let declarations = Declarations([
            .init("i", .int), .init("j", .int), .init("d", .double), .init("s", .string), .init("t", .string),
            .init("b", .bool),
            .init("l", .list(.int)), .init("m", .map(.string, .int)),
        ])
        let scope = Bindings([5, -3, 2.5, "abc", "äb", true, [4, 0, -2], ["a": 1, "abc": 7]])
        let compilation = Expression.compile(text, declarations: declarations)
        guard let expression = compilation.expression else { return "check" }
        do throws(EvaluationError) {
            return show(try expression.evaluate(in: scope))
        } catch {
            return "error"
        }
    }

    @Test("10,000 well-typed expressions give what cel-cpp gives", .enabled(if: isOracleThere, "no cel-expr-python"))
    func sameAsOracle() throws {
        var generator = ExpressionGenerator(seed: FuzzTests.seed)
        let texts = (0..<Self.count).map { _ in generator.expression() }
        var values = 0
        let differences = try Self.differences(texts) { own, answer in
            if own != "error", own != "check" { values += 1 }
            return own == answer
        }
        #expect(differences.isEmpty, "seed \(FuzzTests.seed):\n\(differences.prefix(20).joined(separator: "\n"))")
        #expect(values > Self.count / 3, "\(values) of \(Self.count) gave a value")
    }

    @Test("10,000 patterns match what RE2 matches", .enabled(if: isOracleThere, "no cel-expr-python"))
    func samePatterns() throws {
        var generator = SeededGenerator(seed: FuzzTests.seed &+ 1)
        let texts = (0..<Self.count).map { _ in
            let subject = (0..<generator.below(8)).map { _ in
                Self.subjectPieces[generator.below(Self.subjectPieces.count)]
            }
            var pattern = Self.pattern(&generator, depth: 3)
            if subject.contains(where: { $0.utf8.count > 2 || $0 == "ä" || $0 == "Ä" || $0 == "ſ" }) {
                pattern = pattern.replacing("\\B", with: "\\b")
            }
            return "'\(subject.joined())'.matches(r'\(pattern)')"
        }
        // A bad pattern is a finding here and an error of the evaluation there. RE2 looks at bytes, so that `\B` also
        // holds inside a character of several bytes: such cases are left out.
        let differences = try Self.differences(texts) { own, answer in
            own == answer || (own == "check" && answer == "error")
        }
        #expect(differences.isEmpty, "seed \(FuzzTests.seed):\n\(differences.prefix(20).joined(separator: "\n"))")
    }

    static let subjectPieces = [
        "a", "b", "c", "A", "B", "0", "1", " ", "_", "\\n", "-", "ä", "Ä", "😀", "k", "\u{212A}", "ſ", "]",
    ]

    static let atoms = [
        "a", "b", "c", "A", ".", "[ab]", "[^a]", "[a-c0-9]", "[^\\w]", "[\\d-]", "\\d", "\\w", "\\s", "\\W", "\\S",
        "\\b", "\\B", "^", "$", "ä",
        "\\pL", "\\p{Lu}", "\\PL", "[[:alpha:]]", "[[:^digit:]]", "\\x61", "\\x{e4}", "\\A", "\\z", "()", "-", "]", "k",
        "s", "\\n", "[]a]", "{", "\\Qa.\\E",
    ]

    static func pattern(_ generator: inout SeededGenerator, depth: Int) -> String {
        var text = ""
        for _ in 0...generator.below(3) {
            switch generator.below(depth > 0 ? 8 : 5) {
            case 0...4: text += atoms[generator.below(atoms.count)]
            case 5: text += "(" + pattern(&generator, depth: depth - 1) + ")"
            case 6:
                text +=
                    ["(?:", "(?i:", "(?s:", "(?m:", "(?i)(?:", "(?P<n>"][generator.below(6)]
                    + pattern(&generator, depth: depth - 1) + ")"
            default:
                text += "(" + pattern(&generator, depth: depth - 1) + "|" + pattern(&generator, depth: depth - 1) + ")"
            }
            if generator.below(3) == 0 {
                text += ["*", "+", "?", "{2}", "{1,2}", "{0,}", "*?", "+?", "??", "{1"][generator.below(10)]
            }
        }
        return text
    }

    /// The texts on which the two answers are not what they should be to one another.
    static func differences(_ texts: [String], _ agree: (String, String) -> Bool) throws -> [String] {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            "cel-\(ProcessInfo.processInfo.globallyUniqueString).jsonl"
        )
        defer { try? FileManager.default.removeItem(at: path) }
        let lines = try texts.map { String(decoding: try JSON.encode(.string($0)), as: UTF8.self) }
        try Data(lines.joined(separator: "\n").utf8).write(to: path)
        let (status, output) = try run(["-c", script, path.path])
        #expect(status == 0)
        let answers = String(decoding: output, as: UTF8.self).split(separator: "\n")
        try #require(answers.count == texts.count)
        var differences: [String] = []
        for (text, answer) in zip(texts, answers) {
            let own = ours(text)
            if !agree(own, String(answer)) { differences.append("\(text)\n    ours \(own), oracle's \(answer)") }
        }
        return differences
    }
}
