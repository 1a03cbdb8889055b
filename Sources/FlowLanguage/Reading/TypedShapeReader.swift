import Expressions

/// The declaration of a column or an input: `{ type: int, min: 1 }`.
struct TypedShape {
    var type: ColumnType
    var isOptional = false
    var isUnique = false
    var defaultValue: Value?
    var allowed: [String] = []
    var min: Int64?
    var max: Int64?
    var maxLength: Int?
    var references: Located<String>?
}

struct TypedShapeReader {
    private let context: FileContext

    init(_ context: FileContext) { self.context = context }

    /// Reads a declaration; `what` is `a column` or `an input`, and columns also take `unique` and `references`.
    func read(_ node: YAMLNode, what: String, isColumn: Bool) -> TypedShape? {
        guard var reader = MappingReader(node, context, what: what) else { return nil }
        let hasType = reader.has("type")
        let type = reader.choice("type", of: ColumnType.self)
        if !hasType { _ = reader.required("type") }
        var shape = TypedShape(type: type?.value ?? .json)
        shape.isOptional = reader.bool("optional")?.value ?? false
        readBounds(&reader, &shape, isKnown: type != nil)
        if isColumn {
            shape.isUnique = reader.bool("unique")?.value ?? false
            shape.references = reader.text("references")
            if let references = shape.references, shape.type != .int, type != nil {
                context.error(
                    .columnRule,
                    "'references' stands at a column of type int, which holds the other row's id",
                    at: references.range
                )
            }
        }
        if let node = reader.value("default"), type != nil,
            let value = context.constant(of: node, as: shape.type, what: "'default'")
        {
            shape.defaultValue = value
            checkDefault(value, shape, at: node.range)
        }
        reader.finish()
        return type == nil ? nil : shape
    }

    private func readBounds(_ reader: inout MappingReader, _ shape: inout TypedShape, isKnown: Bool) {
        let type = shape.type
        if let node = reader.value("enum") {
            for text in context.texts(of: node, what: "'enum'") ?? [] {
                if shape.allowed.contains(text.value) {
                    context.error(.enumTwice, "'\(text.value)' is listed twice", at: text.range)
                } else {
                    shape.allowed.append(text.value)
                }
            }
            require(type == .string || !isKnown, "'enum' stands at type string", at: node.range)
            if case .sequence(let items) = node.content, items.isEmpty {
                context.error(.columnRule, "'enum' lists at least one text", at: node.range)
            }
        }
        let everything = Int64.min...Int64.max
        // A decimal is a text, which neither SQLite nor JSON orders as a number.
        let numeric = type == .int || type == .double || !isKnown
        if let bound = reader.int("min", in: everything) {
            shape.min = bound.value
            require(numeric, "'min' stands at type int or double", at: bound.range)
        }
        if let bound = reader.int("max", in: everything) {
            shape.max = bound.value
            require(numeric, "'max' stands at type int or double", at: bound.range)
            if let min = shape.min, min > bound.value {
                context.error(.columnRule, "'max' is smaller than 'min'", at: bound.range)
            }
        }
        if let length = reader.int("maxLength", in: 1...Int64(1 << 30)) {
            shape.maxLength = Int(length.value)
            let fits = type == .string || type == .bytes || type == .json || !isKnown
            require(fits, "'maxLength' stands at type string, bytes or json", at: length.range)
        }
    }

    private func require(_ holds: Bool, _ message: String, at range: Range<Int>) {
        if !holds { context.error(.columnRule, message, at: range) }
    }

    private func checkDefault(_ value: Value, _ shape: TypedShape, at range: Range<Int>) {
        if case .string(let text) = value, !shape.allowed.isEmpty, !shape.allowed.contains(text) {
            context.error(
                .valueChoice,
                "'\(text)' is not one of \(shape.allowed.listed)",
                at: range,
                notes: context.likely(text, among: shape.allowed)
            )
        }
        if case .string(let text) = value, let length = shape.maxLength, text.unicodeScalars.count > length {
            context.error(.valueRange, "the default is longer than 'maxLength'", at: range)
        }
        let isOutside =
            switch value {
            case .int(let number): number < shape.min ?? .min || number > shape.max ?? .max
            case .double(let number):
                (shape.min.map { number < Double($0) } ?? false) || (shape.max.map { number > Double($0) } ?? false)
            default: false
            }
        if isOutside {
            context.error(.valueRange, "the default is outside 'min' and 'max'", at: range)
        }
    }
}
