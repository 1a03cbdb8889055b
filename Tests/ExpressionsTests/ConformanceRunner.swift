import Expressions

/// Runs the cases of a file in the form that `data/cel/conformance.json` has (its `_note` says what it is).
struct ConformanceRunner {
    struct Case: Sendable, CustomStringConvertible {
        let file: String
        let section: String
        let name: String
        let isCore: Bool
        let data: Value

        var description: String { "\(file)/\(section)/\(name)" }
    }

    let cases: [Case]

    init(_ bytes: [UInt8]) throws {
        let document = try JSON.parse(bytes)
        cases = (document["tests"]?.listValue ?? []).map { test in
            Case(
                file: test["file"]?.stringValue ?? "",
                section: test["section"]?.stringValue ?? "",
                name: test["name"]?.stringValue ?? "",
                isCore: test["core"]?.boolValue ?? false,
                data: test
            )
        }
    }

    /// Nil when the case passes, else what went otherwise.
    func failure(of test: Case) -> String? {
        let data = test.data
        let environment = data["type_env"]?.mapValue ?? ValueMap()
        let bindings = data["bindings"]?.mapValue ?? ValueMap()
        var variables: [Declarations.Variable] = []
        var values: [Value?] = []
        var functions: [FunctionSignature] = []
        for (key, type) in environment {
            guard let name = key.stringValue else { continue }
            if let overloads = type["overloads"]?.listValue {
                functions += overloads.compactMap { signature(name, $0) }
                continue
            }
            guard let text = type.stringValue, let declared = ExpressionType(celText: text) else {
                return "unreadable type of '\(name)'"
            }
            variables.append(.init(name, declared))
            values.append(bindings[name].flatMap(decode))
        }
        for (key, value) in bindings {
            guard let name = key.stringValue, environment[name] == nil else { continue }
            variables.append(.init(name, .dynamic))
            values.append(decode(value))
        }
        let isChecked = !(data["disable_check"]?.boolValue ?? false)
        let declarations = Declarations(
            variables,
            container: data["container"]?.stringValue ?? "",
            functions: functions,
            isChecked: isChecked
        )
        let text = data["expr"]?.stringValue ?? ""
        let compilation = Expression.compile(text, declarations: declarations)
        return judge(compilation, test, Bindings(values))
    }

    private func judge(_ compilation: Expression.Compilation, _ test: Case, _ scope: Bindings) -> String? {
        let expected = test.data["expect"] ?? [:]
        if let wanted = expected["type"]?.stringValue, test.data["disable_check"] == nil {
            let found = compilation.deducedType
            if found != wanted { return "type \(found), expected \(wanted)" }
        }
        if test.data["check_only"]?.boolValue == true { return errors(compilation) }
        guard let expression = compilation.expression else {
            if expected["error"] != nil { return nil }
            return errors(compilation) ?? "no expression"
        }
        let result: Value
        do throws(EvaluationError) {
            result = try expression.evaluate(in: scope)
        } catch {
            return expected["error"] != nil ? nil : "error \(error)"
        }
        guard let wanted = expected["value"] else {
            return expected["error"] == nil ? nil : "value \(result), expected an error"
        }
        guard let value = decode(wanted) else { return "unreadable value" }
        return same(result, value) ? nil : "value \(result), expected \(value)"
    }

    private func errors(_ compilation: Expression.Compilation) -> String? {
        let errors = compilation.findings.filter { $0.severity == .error }
        return errors.isEmpty ? nil : errors.map { "\($0.code) \($0.message)" }.joined(separator: "; ")
    }

    private func signature(_ name: String, _ overload: Value) -> FunctionSignature? {
        FunctionSignature(
            name: name,
            isMember: overload["member"]?.boolValue ?? false,
            parameters: overload["params"]?.listValue?.compactMap(\.stringValue) ?? [],
            result: overload["result"]?.stringValue ?? "dyn"
        )
    }

    /// Same kind and same value; NaN is NaN, maps in any order.
    private func same(_ left: Value, _ right: Value) -> Bool {
        switch (left, right) {
        case (.double(let left), .double(let right)): left == right || (left.isNaN && right.isNaN)
        case (.list(let left), .list(let right)):
            left.count == right.count && zip(left, right).allSatisfy { same($0, $1) }
        case (.map(let left), .map(let right)):
            left.count == right.count
                && left.allSatisfy { entry in right[entry.key].map { same(entry.value, $0) } ?? false }
        default: left == right
        }
    }

    private func decode(_ form: Value) -> Value? {
        guard let map = form.mapValue, let key = map.keys.first?.stringValue, let content = map.values.first else {
            return nil
        }
        let text = content.stringValue ?? ""
        switch key {
        case "null": return Value.null
        case "bool": return content
        case "int": return Int64(text).map(Value.int)
        case "uint": return UInt64(text).map(Value.uint)
        case "double": return .double(text == "NaN" ? .nan : Double(text.replacing("Infinity", with: "inf")) ?? .nan)
        case "string": return content
        case "bytes_b64": return try? JSON.parseExact(Array("{\"$bytes\":\"\(text)\"}".utf8))
        case "timestamp": return Timestamp(rfc3339: text).map(Value.timestamp)
        case "duration": return Duration(celText: text).map(Value.duration)
        case "list": return content.listValue.map { .list($0.compactMap(decode)) }
        case "type": return .type(TypeValue(name: text))
        case "optional": return content.isNull ? .optional(.none) : decode(content).map { .optional(OptionalValue($0)) }
        case "map":
            var result = ValueMap()
            for pair in content.listValue ?? [] {
                guard let pair = pair.listValue, pair.count == 2, let keyValue = decode(pair[0]),
                    let member = decode(pair[1]), let key = mapKey(keyValue)
                else { return nil }
                result[key] = member
            }
            return .map(result)
        default: return nil
        }
    }

    private func mapKey(_ value: Value) -> MapKey? {
        switch value {
        case .bool(let value): .bool(value)
        case .int(let value): .int(value)
        case .uint(let value): .uint(value)
        case .string(let value): .string(value)
        default: nil
        }
    }
}
