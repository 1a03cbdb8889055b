extension Analyzer {
    /// The type of a field, with findings for fields that are not there.
    mutating func selectedType(
        _ type: DeducedType,
        _ field: String,
        _ fieldRange: Range<Int>,
        needsPresence: Bool,
        _ operand: SyntaxNode
    ) -> DeducedType {
        switch substitution.plain(type) {
        case .dynamic, .parameter: return .dynamic
        case .record(let record):
            return fieldType(record, field, fieldRange, needsPresence: needsPresence, operand)
        case .map(let key, let value):
            if !assign(.string, to: key) {
                report(
                    "expression.type-mismatch",
                    "the map's keys are \(show(key)), '\(field)' is a string",
                    at: fieldRange
                )
            }
            return value
        case .optional(let wrapped):
            return .optional(selectedType(wrapped, field, fieldRange, needsPresence: false, operand))
        case let other:
            let code = "expression.no-fields"
            if findsMethod(field) {
                report(
                    code,
                    "'\(field)' is a function",
                    hint: "write .\(field)(…)",
                    at: fieldRange
                )
            } else {
                report(code, "\(show(other)) has no fields, '\(field)' was asked for", at: fieldRange)
            }
            return .dynamic
        }
    }

    /// Whether a declared field may hold null; within an optional, whether what it wraps may.
    func mayBeNull(_ type: DeducedType) -> Bool {
        if case .optional(let wrapped) = substitution.plain(type) { return mayBeNull(wrapped) }
        return substitution.resolve(type).facets.isNullable
    }

    /// The type of an optional selection: a declared field that holds null gives none, never an optional of null.
    func withoutNull(_ type: DeducedType) -> DeducedType {
        guard case .optional(let wrapped) = substitution.plain(type),
            case .declared(let plain, var facets) = substitution.resolve(wrapped), facets.isNullable
        else { return type }
        facets.isNullable = false
        return .optional(facets == .none ? plain : .declared(plain, facets))
    }

    private func findsMethod(_ name: String) -> Bool {
        StandardSignatures.byName[name]?.contains { $0.isMember } ?? false
    }

    private mutating func fieldType(
        _ record: RecordType,
        _ field: String,
        _ fieldRange: Range<Int>,
        needsPresence: Bool,
        _ operand: SyntaxNode
    ) -> DeducedType {
        guard let known = record.fields[field] else {
            if record.isOpen { return .dynamic }
            var hint = nearestName(to: field, among: record.fields.keys).map { "did you mean '\($0)'?" }
            if hint == nil, !record.fields.isEmpty {
                let names = record.fields.keys.sorted()
                hint = "it has: " + names.prefix(12).joined(separator: ", ") + (names.count > 12 ? ", …" : "")
            }
            report("expression.unknown-field", "'\(record.name)' has no '\(field)'", hint: hint, at: fieldRange)
            return .dynamic
        }
        switch known.presence {
        case .always: break
        case .unavailable:
            report(
                "expression.unavailable",
                "'\(source(operand.range)).\(field)' is not to be had here",
                hint: known.note,
                at: fieldRange
            )
        case .sometimes where needsPresence:
            let chain = "\(source(operand.range)).?\(field)"
            let example: String
            if case .record = known.type {
                example = "\(chain).field.orValue(…)"
            } else {
                example = "\(chain).orValue(…)"
            }
            let note = known.note.map { ": \($0)" } ?? ""
            report(
                "expression.may-be-missing",
                "'\(field)' may be missing here\(note)",
                hint: "write \(example)",
                at: fieldRange
            )
        case .sometimes: break
        }
        return DeducedType(known.type)
    }

    /// The type of an element, with findings for keys that do not fit.
    mutating func indexedType(
        _ type: DeducedType,
        _ key: SyntaxNode,
        _ keyType: DeducedType,
        needsPresence: Bool,
        _ operand: SyntaxNode
    ) -> DeducedType {
        switch substitution.plain(type) {
        case .dynamic, .parameter: return .dynamic
        case .record(let record):
            if case .literal(.string(let field)) = key.kind {
                return fieldType(record, field, key.range, needsPresence: needsPresence, operand)
            }
            expect(keyType, .string, "a record's key", key)
            return .dynamic
        case .list(let element):
            expect(keyType, .int, "a list's index", key)
            return element
        case .map(let mapKey, let value):
            let actual = substitution.plain(keyType)
            // Numbers find keys of other numeric kinds.
            if !(actual.isNumeric && substitution.plain(mapKey).isNumeric) {
                expect(keyType, mapKey, "the map's key", key)
            }
            return value
        case .optional(let wrapped):
            return .optional(indexedType(wrapped, key, keyType, needsPresence: false, operand))
        case let other:
            report("expression.type-mismatch", "\(show(other)) has no elements", at: operand.range)
            return .dynamic
        }
    }

    private mutating func expect(_ actual: DeducedType, _ wanted: DeducedType, _ what: String, _ node: SyntaxNode) {
        if assign(actual, to: wanted) { return }
        report(
            "expression.type-mismatch",
            "\(what) is \(show(wanted)), this is \(show(actual))",
            hint: conversionHint(from: actual, to: wanted, node),
            at: node.range
        )
    }

    /// Binds type parameters when the types fit, and leaves them when they do not.
    mutating func assign(_ actual: DeducedType, to formal: DeducedType) -> Bool {
        var trial = substitution
        guard trial.assign(actual, to: formal) else { return false }
        substitution = trial
        return true
    }

    /// What to write when one conversion function makes the one type of the other.
    ///
    /// A fraction is turned into minor units of `currency`.
    func conversionHint(
        from actual: DeducedType,
        to wanted: DeducedType,
        _ node: SyntaxNode,
        currency: String = "usd"
    ) -> String? {
        let text = source(node.range)
        let shown = text.utf8.count <= 40 ? text : "…"
        switch (substitution.settle(actual).plain, substitution.settle(wanted).plain) {
        case (.int, .double), (.uint, .double), (.string, .double): return "write double(\(shown))"
        case (.string, .int) where isDecimal(actual): return "write money.minor(\(shown), '\(currency)')"
        case (.string, .int), (.double, .int): return node.wholeHint(shown, currency: currency)
        case (.uint, .int): return "write int(\(shown))"
        case (.int, .string), (.uint, .string), (.double, .string), (.bool, .string), (.timestamp, .string),
            (.duration, .string):
            return "write string(\(shown))"
        case (.string, .timestamp): return "write timestamp(\(shown))"
        case (.string, .duration): return "write duration(\(shown))"
        case (.optional, .optional), (.optional, .dynamic): return nil
        case (.optional, _): return "write \(shown).orValue(…)"
        default: return nil
        }
    }
}
