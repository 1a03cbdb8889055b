import Expressions
import FlowLanguage

/// Compares a command's evaluated data with what the command declares; the compiler could not see every value.
struct CommandDataCheck {
    private let declaration: CommandDeclaration

    init(_ declaration: CommandDeclaration) { self.declaration = declaration }

    /// The first parameter that does not fit, as the block's failure.
    func failure(of data: ValueMap) -> BlockFailure? {
        for parameter in declaration.parameters {
            switch data[parameter.name] ?? .null {
            case .null:
                if parameter.isRequired { return failure(parameter, "is missing") }
            case let value:
                guard value.fits(parameter.type) else {
                    return failure(parameter, "must be \(parameter.type), is \(value.kindName)")
                }
                if !parameter.allowed.isEmpty, let text = value.stringValue, !parameter.allowed.contains(text) {
                    return failure(parameter, "must be one of \(parameter.allowed.joined(separator: ", "))")
                }
            }
        }
        return nil
    }

    private func failure(_ parameter: ParameterDeclaration, _ message: String) -> BlockFailure {
        BlockFailure(
            code: "invalid_parameter",
            type: "invalid_request",
            message: "\(declaration.name): '\(parameter.name)' \(message)",
            param: parameter.name
        )
    }
}

extension Value {
    /// Whether the value is of a type, as deep as the type says.
    fileprivate func fits(_ type: ExpressionType) -> Bool {
        switch (type, self) {
        case (.dynamic, _), (.null, .null), (.bool, .bool), (.int, .int), (.uint, .uint), (.double, .double),
            (.string, .string), (.bytes, .bytes), (.timestamp, .timestamp), (.duration, .duration), (.type, .type):
            true
        case (.list(let element), .list(let values)): values.allSatisfy { $0.fits(element) }
        case (.map(_, let element), .map(let map)): map.allSatisfy { $0.value.fits(element) }
        case (.record(let record), .map(let map)):
            record.fields.allSatisfy { name, field in map[name].map { $0.fits(field.type) } ?? true }
        case (.optional, .null): true
        case (.optional(let content), _): fits(content)
        default: false
        }
    }
}
