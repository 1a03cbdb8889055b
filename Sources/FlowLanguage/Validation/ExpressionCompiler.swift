import Expressions

/// Compiles the expressions of one file and moves their findings to the file's places.
struct ExpressionCompiler {
    let context: FileContext

    init(_ context: FileContext) { self.context = context }

    /// A scalar with the CEL text in it, and the way back to the file.
    struct Source {
        var scalar: YAMLScalar
        var map: ScalarMap
        let bytes: [UInt8]

        init(_ scalar: YAMLScalar, range: Range<Int>, in text: SourceText) {
            self.scalar = scalar
            map = ScalarMap(scalar, range: range, in: text)
            bytes = Array(scalar.text.utf8)
        }

        /// The part of the value at these UTF-8 offsets.
        func text(_ offsets: Range<Int>) -> String {
            String(decoding: bytes[offsets], as: UTF8.self)
        }

        var whole: Range<Int> { 0..<bytes.count }
    }

    // MARK: Bare CEL

    /// A condition outside flows, such as an invariant.
    func bare(_ node: YAMLNode, what: String, declarations: Declarations) -> PlacedExpression? {
        bare(node, what: what, scope: ExpressionScope(declarations: declarations), expected: .bool)
    }

    /// A scalar whose whole value is CEL, such as `when:`.
    func bare(_ node: YAMLNode, what: String, scope: ExpressionScope, expected: ExpressionType) -> PlacedExpression? {
        guard let scalar = node.scalar, !scalar.text.isEmpty else {
            guard !node.isUnreadable else { return nil }
            var notes: [String] = []
            if node.isFlowStyle {
                notes.append("YAML takes a leading '[' or '{' for a list or mapping: put the expression in quotes")
            }
            context.error(
                .typeExpression,
                "\(what) is an expression; found \(node.kindName)",
                at: node.range,
                notes: notes
            )
            return nil
        }
        let source = Source(scalar, range: node.range, in: context.text)
        let trimmed = scalar.text.drop { $0 == " " }
        if trimmed.hasPrefix("${"), scalar.text.hasSuffix("}") {
            context.error(
                .expressionWrapped,
                "\(what) takes the expression alone, without '${' and '}'",
                at: source.map.sourceRange(0..<2)
            )
            return nil
        }
        if let time = Self.time(scalar.text) {
            context.error(
                .typeExpression,
                "\(what) is an expression; found a time as it stands",
                at: node.range,
                notes: ["write timestamp('\(time)')"]
            )
            return nil
        }
        return compile(source, source.whole, scope: scope, expected: expected, what: what)
    }

    /// The text as RFC 3339 when it is a date, or a date with a time; as CEL it would be a subtraction.
    private static func time(_ text: String) -> String? {
        ["", "Z", "T00:00:00Z"].map { text + $0 }.first { Timestamp(rfc3339: $0) != nil }
    }

    // MARK: Any expression

    /// Compiles the CEL at `offsets` of the scalar; a finding and nil if it is wrong.
    func compile(
        _ source: Source,
        _ offsets: Range<Int>,
        scope: ExpressionScope,
        expected: ExpressionType,
        what: String
    ) -> PlacedExpression? {
        guard let compilation = compilation(source, offsets, scope: scope), let expression = compilation.expression
        else {
            return nil
        }
        let range = source.map.sourceRange(trimmed(source, offsets))
        if var mismatch = TypeRules.mismatch(of: expression.type, expected: expected) {
            if expected == .int, case .literal(let constant)? = compilation.syntax?.kind {
                switch constant {
                case .string(let text):
                    let amount = TypeRules.amountHint(text, isQuoted: false)
                    mismatch.hint = amount ?? (Int64(text) == nil ? nil : "write \(text), without quotes")
                case .double: mismatch.hint = TypeRules.amountHint(expression.text.trimmed, isQuoted: false)
                default: break
                }
            }
            reportMismatch(expression.type, mismatch, what: what, at: range)
            return nil
        }
        return PlacedExpression(expression: expression, range: context.text.range(range))
    }

    func reportMismatch(_ actual: ExpressionType, _ mismatch: TypeRules.Mismatch, what: String, at range: Range<Int>) {
        context.error(
            .typeMismatch,
            "\(what) is \(mismatch.expected); this is \(TypeRules.name(actual))",
            at: range,
            notes: mismatch.hint.map { [$0] } ?? []
        )
    }

    /// The compilation, its findings reported; nil when there were errors.
    func compilation(_ source: Source, _ offsets: Range<Int>, scope: ExpressionScope) -> Expression.Compilation? {
        let compilation = Expression.compile(source.text(offsets), declarations: scope.declarations)
        var hasErrors = false
        for finding in compilation.findings {
            let start = offsets.lowerBound + finding.range.lowerBound
            var range = source.map.sourceRange(start..<offsets.lowerBound + finding.range.upperBound)
            if range.isEmpty {  // At the end of the expression: its last character is something to point at.
                let last = max(offsets.lowerBound, start - 1)
                range = source.map.sourceRange(last..<max(start, last))
            }
            let isError = finding.severity == .error || Self.slips.contains(finding.code)
            if isError { hasErrors = true }
            context.findings.add(
                isError ? .error : .warning,
                finding.code,
                finding.message,
                context.text.range(range),
                finding.hint.map { [$0] } ?? []
            )
        }
        guard let expression = compilation.expression, !hasErrors else { return nil }
        return checkReferences(expression, source, offsets, scope) ? compilation : nil
    }

    /// What `Expressions` compiles, since it is CEL, but no flow can mean.
    private static let slips: Set<String> = ["expression.constant"]

    /// `error` and `trigger` are declared everywhere, so that slots keep their numbers; here is where they are refused.
    private func checkReferences(
        _ expression: Expression,
        _ source: Source,
        _ offsets: Range<Int>,
        _ scope: ExpressionScope
    ) -> Bool {
        var isFine = true
        for reference in expression.references {
            let start = offsets.lowerBound + reference.range.lowerBound
            let range = source.map.sourceRange(start..<offsets.lowerBound + reference.range.upperBound)
            if reference.path.first == ScopeSlot.error.name, let note = scope.errorNote {
                context.error(.errorOutsideFail, note, at: range)
                isFine = false
            } else if reference.path.first == ScopeSlot.trigger.name, let note = scope.triggerNote {
                context.error(.triggerNotThere, note, at: range)
                isFine = false
            } else if let header = Self.capitalHeader(reference.path, scope) {
                let written = source.text(start..<offsets.lowerBound + reference.range.upperBound)
                let key = written.ranges(of: header).last.map { written[..<$0.lowerBound].utf8.count } ?? 0
                context.findings.add(
                    .error,
                    "expression.unknown-field",
                    "'\(reference.path.dropLast().joined(separator: "."))' never has '\(header)': "
                        + "the names of headers are lower-case",
                    context.text.range(source.map.sourceRange(start + key..<start + key + header.utf8.count)),
                    ["write \"\(header.lowercased())\""]
                )
                isFine = false
            }
        }
        return isFine
    }

    /// The name of a header of a web hook or of an answer, when it is written with capitals.
    private static func capitalHeader(_ path: [String], _ scope: ExpressionScope) -> String? {
        guard let header = path.last, header != header.lowercased() else { return nil }
        var type = scope.declarations.variables.first { $0.name == path.first }?.type
        for name in path.dropFirst().dropLast() {
            guard case .record(let record)? = type else { return nil }
            if name == "headers", !ScopeBuilder.headed.contains(record.name) { return nil }
            type = record.fields[name]?.type
        }
        guard path.dropLast().last == "headers", type == .map(.string, .string) else { return nil }
        return header
    }

    private func trimmed(_ source: Source, _ offsets: Range<Int>) -> Range<Int> {
        let bytes = source.bytes
        var start = offsets.lowerBound
        var end = offsets.upperBound
        while start < end, bytes[start] <= 0x20 { start += 1 }
        while end > start, bytes[end - 1] <= 0x20 { end -= 1 }
        return start..<end
    }
}
