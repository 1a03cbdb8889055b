extension ParameterList {
    /// Values longer than this are refused by Stripe for every text without an own limit.
    private static let maximumText = 5_000
    /// Above every amount and every time Stripe takes, and far below what sums could overflow with.
    static let maximumInteger: UInt64 = 999_999_999_999

    /// Checks decoded parameters and gives them their types.
    ///
    /// Throws: `parameter_unknown`, `parameter_missing`, `parameter_invalid_integer`, `parameter_invalid_empty` and the
    /// like, each naming the parameter as Stripe does (`items[0][price]`).
    func check(_ form: [(key: String, value: FormValue)]) throws(StripeError) -> JSONObject {
        let result = try checkHash(form, prefix: "")
        return result
    }

    private func checkHash(
        _ form: [(key: String, value: FormValue)],
        prefix: String
    ) throws(StripeError) -> JSONObject {
        var result = JSONObject()
        var unknown: [String] = []
        for (key, value) in form {
            let name = prefix.isEmpty ? key : "\(prefix)[\(key)]"
            guard let field = fields[key] else {
                unknown.append(key)
                if !prefix.isEmpty { unknown[unknown.count - 1] = name }
                continue
            }
            result[key] = try Self.check(value, as: field, name: name)
        }
        guard unknown.isEmpty else { throw StripeError.unknownParameters(unknown) }
        for name in required where result[name] == nil {
            throw StripeError.missingParameter(prefix.isEmpty ? name : "\(prefix)[\(name)]")
        }
        return result
    }

    private static func check(_ value: FormValue, as field: Field, name: String) throws(StripeError) -> JSONValue {
        if value == .text("") {
            if case .metadata = field.shape { return .null }
            if field.isEmptyable { return .null }
            if case .string = field.shape, mayBeEmpty(field) { return .null }
            throw StripeError.invalid(
                name,
                "You passed an empty string for '\(name)'. We assume empty values are an attempt to unset a parameter; "
                    + "however '\(name)' cannot be unset. You should remove '\(name)' from your request or supply "
                    + "a non-empty value.",
                code: "parameter_invalid_empty"
            )
        }
        switch field.shape {
        case .string, .integer, .boolean, .integerOrWord, .choice:
            guard case .text(let text) = value else { throw StripeError.invalid(name, "Invalid string: \(name)") }
            return try checkText(text, as: field, name: name)
        case .strings: return .array(try elements(of: value, name: name).map { $0 })
        case .metadata: return .object(try checkMetadata(value, name: name))
        case .range: return try checkRange(value, name: name)
        case .anything: return anything(value)
        case .hash(let inner):
            guard case .hash(let form) = value else { throw StripeError.invalid(name, "Invalid object") }
            return .object(try inner.checkHash(form, prefix: name))
        case .list(let inner): return try checkList(value, of: inner, name: name)
        }
    }

    /// Texts that are no reference may be set to nothing; an id or a currency may not.
    private static func mayBeEmpty(_ field: Field) -> Bool {
        let references: Set<String> = [
            "customer", "payment_method", "currency", "charge", "payment_intent", "price", "product", "url", "coupon",
            "subscription", "invoice", "starting_after", "ending_before", "type",
        ]
        return !field.isRequired && !references.contains(field.name)
    }

    private static func checkText(_ text: String, as field: Field, name: String) throws(StripeError) -> JSONValue {
        switch field.shape {
        case .integer:
            guard let number = Int64(text), number.magnitude <= Self.maximumInteger else {
                throw StripeError.invalid(
                    name,
                    "Invalid integer: \(text.prefix(40))",
                    code: "parameter_invalid_integer"
                )
            }
            return .int(number)
        case .integerOrWord: return Int64(text).map(JSONValue.int) ?? .string(text)
        case .boolean:
            switch text {
            // Python's official client up to version 11 sends its own spelling, and Stripe takes it.
            case "true", "True": return true
            case "false", "False": return false
            default: throw StripeError.invalid(name, "Invalid boolean: \(text)")
            }
        case .choice(let words):
            guard words.contains(text) else {
                let last = words.last ?? ""
                let list = words.count > 1 ? words.dropLast().joined(separator: ", ") + ", or " + last : last
                throw StripeError.invalid(name, "Invalid \(name): must be one of \(list)")
            }
            return .string(text)
        default:
            guard text.unicodeScalars.count <= maximumText else {
                throw StripeError.invalid(
                    name,
                    "Invalid string: \(text.prefix(20))...; must be at most \(maximumText) characters",
                    code: "parameter_invalid_string_blank"
                )
            }
            return .string(text)
        }
    }

    private static func ordered(_ value: FormValue, name: String) throws(StripeError) -> [FormValue] {
        guard case .hash(let form) = value else { throw StripeError.invalid(name, "Invalid array") }
        var indexed: [(Int, FormValue)] = []
        for (key, value) in form {
            guard let index = Int(key) else { throw StripeError.invalid(name, "Invalid array") }
            indexed.append((index, value))
        }
        return indexed.sorted { $0.0 < $1.0 }.map(\.1)
    }

    private static func elements(of value: FormValue, name: String) throws(StripeError) -> [JSONValue] {
        var result: [JSONValue] = []
        for element in try ordered(value, name: name) { result.append(anything(element)) }
        return result
    }

    private static func checkList(
        _ value: FormValue,
        of inner: ParameterList,
        name: String
    ) throws(StripeError) -> JSONValue {
        var result: [JSONValue] = []
        for (index, element) in try ordered(value, name: name).enumerated() {
            guard case .hash(let form) = element else {
                throw StripeError.invalid("\(name)[\(index)]", "Invalid object")
            }
            result.append(.object(try inner.checkHash(form, prefix: "\(name)[\(index)]")))
        }
        return .array(result)
    }

    private static func checkRange(_ value: FormValue, name: String) throws(StripeError) -> JSONValue {
        switch value {
        case .text(let text):
            guard let number = Int64(text) else { throw StripeError.invalid(name, "Invalid integer: \(text)") }
            return .int(number)
        case .hash(let form):
            return .object(try ParameterList("gt:i gte:i lt:i lte:i").checkHash(form, prefix: name))
        }
    }

    static let maximumKeys = 50

    static func tooManyKeys(_ name: String) -> StripeError {
        StripeError.invalid(name, "You can have at most \(maximumKeys) keys of metadata.")
    }

    /// Metadata: 50 keys, 40 characters a key, 500 a value; an empty value deletes a key (facts §3).
    private static func checkMetadata(_ value: FormValue, name: String) throws(StripeError) -> JSONObject {
        guard case .hash(let form) = value else { throw StripeError.invalid(name, "Invalid object") }
        guard form.count <= maximumKeys else { throw tooManyKeys(name) }
        var result = JSONObject()
        for (key, value) in form {
            guard case .text(let text) = value else {
                throw StripeError.invalid(name, "Metadata values must be strings.")
            }
            guard !key.isEmpty, key.count <= 40, !key.contains("["), !key.contains("]") else {
                throw StripeError.invalid(
                    name,
                    "Metadata keys can have up to 40 characters, but you passed in a key that is \(key.count) characters."
                )
            }
            guard text.count <= 500 else {
                throw StripeError.invalid(
                    "\(name)[\(key)]",
                    "Metadata values can have up to 500 characters, but you passed in a value that is "
                        + "\(text.count) characters. Invalid value: \(text.prefix(40))..."
                )
            }
            result[key] = text.isEmpty ? .null : .string(text)
        }
        return result
    }

    private static func anything(_ value: FormValue) -> JSONValue {
        switch value {
        case .text(let text): return .string(text)
        case .hash(let form):
            if let ordered = try? ordered(value, name: ""), !ordered.isEmpty {  // not all indices: a hash
                return .array(ordered.map(anything))
            }
            return .object(JSONObject(form.map { ($0.key, anything($0.value)) }))
        }
    }
}
