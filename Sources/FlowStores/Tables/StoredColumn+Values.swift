import Expressions
import FlowEngine
import FlowLanguage

/// A value in one of SQLite's own kinds.
enum StoredValue: Sendable {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)
    case utf8([UInt8])
    case blob([UInt8])
}

extension PreparedStatement {
    func bind(_ value: StoredValue) {
        switch value {
        case .null: bindNull()
        case .integer(let number): bind(number)
        case .real(let number): bind(number)
        case .text(let text): bind(text)
        case .utf8(let bytes): bindText(bytes)
        case .blob(let bytes): bindBlob(bytes)
        }
    }
}

extension StoredColumn {
    func invalid(_ reason: String) -> StoreError {
        StoreError(.invalidValue, "\(table).\(name) \(reason)", column: name)
    }

    /// What a broken rule says, for values that only the database sees, such as results of arithmetic.
    func rule(_ name: String) -> String {
        switch name {
        case "min": "must be at least \(declaration.min ?? .min)"
        case "max": "must be at most \(declaration.max ?? .max)"
        case "length": "must not be longer than \(declaration.maxLength ?? .max)"
        case "enum": "must be one of \(declaration.allowed.joined(separator: ", "))"
        default: "is beyond its bounds"
        }
    }

    /// The value as it is written, checked against type and bounds.
    ///
    /// Timestamps lose what is finer than a microsecond; decimals become canonical.
    func encoded(_ value: Value) throws(StoreError) -> StoredValue {
        if value.isNull {
            guard declaration.isOptional else { throw invalid("must not be null") }
            return .null
        }
        let stored = try encodedType(value)
        try checkBounds(stored)
        return stored
    }

    /// The value as it is compared with: of the column's type, whatever its bounds.
    func compared(_ value: Value) throws(StoreError) -> StoredValue {
        if value.isNull { throw invalid("cannot be compared with null; ask with isNull") }
        if type == .json { throw invalid("is json, which cannot be compared") }
        return try encodedType(value)
    }

    private func encodedType(_ value: Value) throws(StoreError) -> StoredValue {
        switch (type, value) {
        case (.int, .int(let number)): return .integer(number)
        case (.bool, .bool(let flag)): return .integer(flag ? 1 : 0)
        case (.string, .string(let text)): return .text(text)
        case (.double, .double(let number)):
            guard number.isFinite else { throw invalid("must be a finite number") }
            return .real(number)
        case (.decimal, .string(let text)):
            guard let canonical = DecimalText.canonical(text) else {
                throw invalid("must be a decimal such as '19.99'")
            }
            return .text(canonical)
        case (.timestamp, .timestamp(let moment)): return .integer(moment.microseconds)
        case (.json, _): return .utf8(try jsonEncoded(value))
        case (.bytes, .bytes(let bytes)): return .blob(bytes)
        default:
            throw invalid("must be \(type == .decimal ? "a decimal as string" : type.rawValue), not \(value.kindName)")
        }
    }

    private func jsonEncoded(_ value: Value) throws(StoreError) -> [UInt8] {
        // Whoever reads the row over HTTP has nothing else.
        if let fault = value.jsonFault { throw invalid("must be JSON: \(fault)") }
        do throws(StoreError) {
            return try StoredExtent.encoded(value, "\(table).\(name)")
        } catch {
            throw StoreError(error.code, error.message, column: name)
        }
    }

    private func checkBounds(_ value: StoredValue) throws(StoreError) {
        switch value {
        case .null: break
        case .integer(let number):
            if let min = declaration.min, number < min { throw invalid(rule("min")) }
            if let max = declaration.max, number > max { throw invalid(rule("max")) }
        case .real(let number):
            if let min = declaration.min, number < Double(min) { throw invalid(rule("min")) }
            if let max = declaration.max, number > Double(max) { throw invalid(rule("max")) }
        case .text(let text):
            if !allowed.isEmpty, !allowed.contains(text) { throw invalid(rule("enum")) }
            // No text has more scalars than bytes, so the slow count is rare.
            if let limit = declaration.maxLength, text.utf8.count > limit, text.unicodeScalars.count > limit {
                throw invalid(rule("length"))
            }
        case .utf8(let bytes), .blob(let bytes):
            if let limit = declaration.maxLength, bytes.count > limit { throw invalid(rule("length")) }
        }
    }

    /// What a row holds after `encoded(value)` was written.
    func kept(_ value: Value, as stored: StoredValue) -> Value {
        switch (type, stored) {
        case (.timestamp, .integer(let microseconds)):
            Timestamp(microseconds: microseconds).map { .timestamp($0) } ?? value
        case (.decimal, .text(let canonical)): .string(canonical)
        // SQLite keeps whole doubles as integers, which know no -0.
        case (.double, .real(0)): .double(0)
        default: value
        }
    }

    /// The value that stands in a row.
    ///
    /// - Throws: `.corrupt` when it is not of the column's type.
    func decoded(_ row: PreparedStatement, _ position: Int32) throws(StoreError) -> Value {
        if row.isNull(position) {
            guard declaration.isOptional else { throw corrupt() }
            return .null
        }
        switch type {
        case .int: return .int(try row.int(position))
        case .bool:
            switch try row.int(position) {
            case 0: return false
            case 1: return true
            default: throw corrupt()
            }
        case .string:
            let text = try row.text(position)
            if !allowed.isEmpty, !allowed.contains(text) { throw corrupt() }
            return .string(text)
        case .decimal:
            let text = try row.text(position)
            guard DecimalText.canonical(text) == text else { throw corrupt() }
            return .string(text)
        case .double: return .double(try row.double(position))
        case .timestamp: return .timestamp(try row.timestamp(position))
        case .json: return try StoredForms.parse(try row.textBytes(position), "\(table).\(name)")
        case .bytes: return .bytes(try row.blob(position))
        }
    }

    private func corrupt() -> StoreError {
        StoreError(.corrupt, "\(table).\(name) on disk is not \(type.rawValue) as declared", column: name)
    }

    /// - Throws: `.schema` for bounds that the type does not have, and for a default that breaks them.
    func checkDeclaration() throws(StoreError) {
        let isNumber = type == .int || type == .double
        guard declaration.min == nil && declaration.max == nil || isNumber else {
            throw StoreError(.schema, "\(table).\(name): min and max are for int and double", column: name)
        }
        guard declaration.allowed.isEmpty || type == .string else {
            throw StoreError(.schema, "\(table).\(name): enum is for string", column: name)
        }
        guard declaration.references == nil || type == .int else {
            throw StoreError(.schema, "\(table).\(name): a reference is an int", column: name)
        }
        guard let value = declaration.defaultValue else { return }
        do {
            _ = try encoded(value)
        } catch {
            throw StoreError(.schema, "the default: \(error.message)", column: name)
        }
    }
}
