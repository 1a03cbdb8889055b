import Testing

@testable import FlowLanguage

@Suite("YAML 1.2's core schema")
struct CoreSchemaTests {
    @Test(
        "a plain scalar is what its shape says",
        arguments: [
            ("", .null), ("~", .null), ("null", .null), ("nULL", .text("nULL")),
            ("true", .bool(true)), ("FALSE", .bool(false)), ("yes", .text("yes")), ("on", .text("on")),
            ("n", .text("n")),
            ("0", .int(0)), ("-12", .int(-12)), ("+7", .int(7)), ("010", .int(10)), ("0o10", .int(8)),
            ("0xFf", .int(255)),
            ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
            ("9223372036854775808", .hugeInt("9223372036854775808")),
            ("1.5", .double(1.5)), ("1.", .double(1)), (".5", .double(0.5)), ("1e3", .double(1000)),
            ("-.inf", .double(-.infinity)),
            ("1_000", .text("1_000")), ("0b1", .text("0b1")), ("1:30", .text("1:30")),
            ("2026-11-20", .text("2026-11-20")),
            ("-", .text("-")), (".", .text(".")), ("e3", .text("e3")), ("1e", .text("1e")),
        ] as [(String, ResolvedScalar)]
    )
    func plain(_ text: String, _ expected: ResolvedScalar) {
        #expect(YAMLScalar(text: text, style: .plain).resolved == expected)
    }

    @Test("a quoted scalar is text, whatever it looks like")
    func quoted() {
        for style in [YAMLScalar.Style.singleQuoted, .doubleQuoted, .literal, .folded] {
            #expect(YAMLScalar(text: "12", style: style).resolved == .text("12"))
            #expect(YAMLScalar(text: "", style: style).resolved == .text(""))
        }
    }
}
