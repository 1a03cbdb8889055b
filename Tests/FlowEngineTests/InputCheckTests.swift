import Expressions
import FlowEngine
import FlowLanguage
import Testing

@Suite("What a caller sends is checked against the flow's declaration")
struct InputCheckTests {
    private func check(_ declaration: InputDeclaration, _ value: Value?) -> Result<Value, InputCheck.InvalidInput> {
        var input = ValueMap()
        if let value { input["x"] = value }
        return InputCheck([declaration]).check(input).map { $0["x"] ?? .null }
    }

    @Test(
        "what JSON can say of a type is taken",
        arguments: [
            (ColumnType.int, Value.int(3), Value.int(3)),
            (.double, .int(3), .double(3)),
            (.decimal, "12.30", "12.30"),
            (.bytes, "AQID", .bytes([1, 2, 3])),
            (.json, .list([1, .null]), .list([1, .null])),
        ]
    )
    func taken(type: ColumnType, value: Value, expected: Value) {
        #expect(check(InputDeclaration(name: "x", type: type), value) == .success(expected))
    }

    @Test("a time stamp comes as text")
    func timestamp() throws {
        let expected = try #require(Timestamp(rfc3339: "2026-11-20T10:00:00Z"))
        let declaration = InputDeclaration(name: "x", type: .timestamp)
        #expect(check(declaration, "2026-11-20T10:00:00Z") == .success(.timestamp(expected)))
    }

    @Test(
        "another type is refused, by name and kind, without its value",
        arguments: [
            (ColumnType.int, Value.double(3.5)), (.int, "3"), (.string, .int(3)), (.bool, .int(1)),
            (.decimal, "1e3"), (.decimal, ""), (.timestamp, "yesterday"), (.bytes, "%%%"),
        ]
    )
    func refused(type: ColumnType, value: Value) {
        let finding = InputFinding(path: "x", message: "must be \(type.rawValue), is \(value.kindName)")
        let declaration = InputDeclaration(name: "x", type: type)
        #expect(check(declaration, value) == .failure(.init(findings: [finding])))
    }

    @Test("bounds, lists of values and missing inputs are told")
    func bounds() {
        func messages(_ declaration: InputDeclaration, _ value: Value?) -> [String] {
            guard case .failure(let invalid) = check(declaration, value) else { return [] }
            return invalid.findings.map(\.message)
        }
        #expect(messages(InputDeclaration(name: "x", type: .int, min: 1, max: 3), 0) == ["must be at least 1"])
        #expect(messages(InputDeclaration(name: "x", type: .int, min: 1, max: 3), 4) == ["must be at most 3"])
        #expect(
            messages(InputDeclaration(name: "x", type: .string, allowed: ["a", "b"]), "c") == ["must be one of a, b"]
        )
        #expect(
            messages(InputDeclaration(name: "x", type: .string, maxLength: 2), "äöü")
                == ["must have at most 2 characters"]
        )
        #expect(messages(InputDeclaration(name: "x", type: .int), nil) == ["is missing"])
        #expect(check(InputDeclaration(name: "x", type: .int, defaultValue: 7), nil) == .success(7))
        #expect(check(InputDeclaration(name: "x", type: .int, isOptional: true), nil) == .success(.null))
    }
}
