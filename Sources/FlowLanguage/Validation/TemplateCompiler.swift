import Expressions

/// What a value must be where it stands.
struct Expectation {
    var type: ExpressionType
    /// How findings begin: `'amount'`.
    var what: String
    /// The only texts, when there are few.
    var allowed: [String] = []
    var allowsNull = false
    /// Whether people read it, so that anything may stand in it.
    var isProse = false
    /// Whether it stands for the item of a loop.
    var isCollected = false

    static let collected = Expectation(type: .dynamic, what: "'collect'", allowsNull: true, isCollected: true)

    static func any(_ what: String) -> Expectation { Expectation(type: .dynamic, what: what, allowsNull: true) }
}

/// Turns YAML values with `${ … }` in them into checked templates.
struct TemplateCompiler {
    let context: FileContext
    let scope: ExpressionScope

    private var expressions: ExpressionCompiler { ExpressionCompiler(context) }

    init(_ context: FileContext, scope: ExpressionScope) {
        self.context = context
        self.scope = scope
    }

    /// Named values, such as `fields:`, each of which may be anything.
    func named(_ pairs: [YAMLPair]) -> [NamedTemplate] {
        pairs.compactMap { pair in
            compile(pair.value, .any("'\(pair.name)'")).map { NamedTemplate(name: pair.name, value: $0.template) }
        }
    }

    /// The template and its type; nil, with a finding, if it is wrong.
    func compile(_ node: YAMLNode, _ expectation: Expectation) -> (template: ValueTemplate, type: ExpressionType)? {
        switch node.content {
        case .unreadable: return nil
        case .scalar(let scalar): return compile(scalar, node, expectation)
        case .sequence(let items): return compile(items, node, expectation)
        case .mapping(let pairs): return compile(pairs, node, expectation)
        }
    }

    // MARK: Scalars

    /// A scalar split at its `${ … }`; nil, with a finding, when one is not closed.
    func segments(_ scalar: YAMLScalar, _ source: ExpressionCompiler.Source) -> [Template.Segment]? {
        let parsed = Template.parse(scalar.text)
        for finding in parsed.findings {
            let start = finding.range.lowerBound
            let range = source.map.sourceRange(start..<min(start + 2, finding.range.upperBound))
            context.findings.add(
                .error,
                finding.code,
                finding.message,
                context.text.range(range),
                finding.hint.map { [$0] } ?? []
            )
        }
        return parsed.findings.isEmpty ? parsed.segments : nil
    }

    private func compile(
        _ scalar: YAMLScalar,
        _ node: YAMLNode,
        _ expectation: Expectation
    ) -> (template: ValueTemplate, type: ExpressionType)? {
        guard scalar.text.contains("${") else { return constant(scalar, node, expectation) }
        let source = ExpressionCompiler.Source(scalar, range: node.range, in: context.text)
        guard let segments = segments(scalar, source) else { return nil }
        if segments.count == 1, case .expression(let offsets) = segments[0] {
            let placed = expressions.compile(
                source,
                offsets,
                scope: scope,
                expected: expectation.type,
                what: expectation.what
            )
            return placed.map { (.expression($0), $0.expression.type) }
        }
        if segments.count == 1, case .literal(let text) = segments[0] {
            return constant(YAMLScalar(text: text, style: .singleQuoted), node, expectation)
        }
        guard let parts = text(segments, source) else { return nil }
        if let mismatch = TypeRules.mismatch(of: .string, expected: expectation.type) {
            expressions.reportMismatch(.string, mismatch, what: expectation.what, at: node.range)
            return nil
        }
        return (.text(parts), .string)
    }

    private func text(_ segments: [Template.Segment], _ source: ExpressionCompiler.Source) -> [ValueTemplate
        .TextSegment]?
    {
        var parts: [ValueTemplate.TextSegment] = []
        var isFine = true
        for segment in segments {
            switch segment {
            case .literal(let text): parts.append(.literal(text))
            case .expression(let offsets):
                let placed = expressions.compile(source, offsets, scope: scope, expected: .dynamic, what: "the text")
                guard let placed else {
                    isFine = false
                    continue
                }
                if let problem = Self.textProblem(placed.expression.type) {
                    context.error(
                        .textValue,
                        "\(TypeRules.name(placed.expression.type)) cannot be turned into text",
                        at: source.map.sourceRange(offsets),
                        notes: [problem]
                    )
                    isFine = false
                }
                warnOfNull(source, offsets)
                parts.append(.expression(placed))
            }
        }
        return isFine ? parts : nil
    }

    /// What an error may lack would be a null in the text, which fails the block.
    private func warnOfNull(_ source: ExpressionCompiler.Source, _ offsets: Range<Int>) {
        let text = String(source.text(offsets).filter { !$0.isWhitespace })
        guard text.hasPrefix("error."), let field = ScopeBuilder.error.fields[String(text.dropFirst(6))],
            field.type.isNullable
        else { return }
        context.warning(
            .textNull,
            "'\(text)' is null where the other side gave none, and a null in a text fails the block",
            at: source.map.sourceRange(offsets),
            notes: ["write ${ \(text) == null ? 'none' : \(text) }"]
        )
    }

    private static func textProblem(_ type: ExpressionType) -> String? {
        switch type {
        case .null: "a null in a text is an error"
        case .list, .map, .record: "name one value of it"
        case .optional: "say what holds when it is missing: '.orValue(…)'"
        case .type: "name a value"
        case .bytes: "write 'base64.encode(…)' around it"
        default: nil
        }
    }

    private func constant(
        _ scalar: YAMLScalar,
        _ node: YAMLNode,
        _ expectation: Expectation
    ) -> (template: ValueTemplate, type: ExpressionType)? {
        guard var value = context.constant(of: scalar, at: node.range) else { return nil }
        warnOfExpression(scalar, node, expectation)
        if value == .null, expectation.allowsNull { return (.constant(.null), .null) }
        if case .string(let text) = value, expectation.type == .timestamp, let timestamp = Timestamp(rfc3339: text) {
            value = .timestamp(timestamp)
        }
        if let mismatch = TypeRules.mismatch(of: value, expected: expectation.type) {
            var notes = mismatch.hint.map { [$0] } ?? []
            switch (value, expectation.type) {
            case (.int, .string), (.double, .string), (.bool, .string): notes = ["put it in quotes to make it a text"]
            case (.double, .int): notes = TypeRules.amountHint(scalar.text, isQuoted: false).map { [$0] } ?? notes
            case (.string, .int), (.string, .bool), (.string, .double):
                let isQuoted = scalar.style != .plain
                notes = isQuoted ? ["remove the quotes: a quoted value is a text"] : []
                if expectation.type == .int {
                    notes = TypeRules.amountHint(scalar.text, isQuoted: isQuoted).map { [$0] } ?? []
                }
                if Names.isIdentifier(scalar.text) || scalar.text.contains("blocks.") || scalar.text.contains("input.")
                {
                    notes = ["an expression stands in '${ … }'"]
                }
            default: break
            }
            context.error(
                .typeConstant,
                "\(expectation.what) is \(mismatch.expected); found \(node.kindName)",
                at: node.range,
                notes: notes
            )
            return nil
        }
        if case .string(let text) = value, !expectation.allowed.isEmpty, !expectation.allowed.contains(text) {
            context.error(
                .valueChoice,
                "\(expectation.what) cannot be '\(text)'; it is one of \(expectation.allowed.listed)",
                at: node.range,
                notes: context.likely(text, among: expectation.allowed)
            )
            return nil
        }
        if case .int(let number) = value, expectation.type == .double { value = .double(Double(number)) }
        return (.constant(value), TypeRules.type(of: value))
    }

    /// A plain text that as a whole is an expression, such as `input.name`, was hardly meant as a text.
    func warnOfExpression(_ scalar: YAMLScalar, _ node: YAMLNode, _ expectation: Expectation) {
        guard scalar.style == .plain, !expectation.isProse else { return }
        guard expectation.type == .dynamic || expectation.type == .string else { return }
        let text = scalar.text
        let name = text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        guard let slot = scope.declarations.variables.firstIndex(where: { $0.name == name }) else { return }
        let isItem = slot >= ScopeSlot.allCases.count && name != "record"
        guard text[name.endIndex...].hasPrefix(".") || isItem && expectation.isCollected else { return }
        guard Expression.compile(text, declarations: scope.declarations).expression != nil else { return }
        context.warning(
            .textExpression,
            "this is the text '\(text)', not the value",
            at: node.range,
            notes: ["write '${ \(text) }' for the value, or put the text in quotes"]
        )
    }

    // MARK: Lists and mappings

    private func compile(
        _ items: [YAMLNode],
        _ node: YAMLNode,
        _ expectation: Expectation
    ) -> (template: ValueTemplate, type: ExpressionType)? {
        var element = Expectation.any("an entry of \(expectation.what)")
        switch expectation.type {
        case .list(let type):
            element.type = type
            element.allowsNull = false
        case .dynamic: break
        default:
            context.error(
                .typeConstant,
                "\(expectation.what) is \(TypeRules.name(expectation.type)); found a list",
                at: node.range
            )
            return nil
        }
        let templates = items.map { compile($0, element)?.template }
        let compiled = templates.compactMap { $0 }
        guard compiled.count == templates.count else { return nil }
        return (folded(compiled), .list(element.type))
    }

    private func compile(
        _ pairs: [YAMLPair],
        _ node: YAMLNode,
        _ expectation: Expectation
    ) -> (template: ValueTemplate, type: ExpressionType)? {
        var record: RecordType?
        var value = ExpressionType.dynamic
        switch expectation.type {
        case .map(_, let type): value = type
        case .record(let type): record = type
        case .dynamic: break
        default:
            context.error(
                .typeConstant,
                "\(expectation.what) is \(TypeRules.name(expectation.type)); found a mapping",
                at: node.range
            )
            return nil
        }
        var named: [NamedTemplate] = []
        var isFine = true
        for pair in pairs {
            guard pair.key.scalar != nil, pair.name != "<<" else { continue }
            var expected = Expectation(type: value, what: "'\(pair.name)'", allowsNull: value == .dynamic)
            if let record {
                if let field = record.fields[pair.name] {
                    expected.type = field.type
                    expected.allowsNull = field.presence == .sometimes
                } else if !record.isOpen {
                    context.error(
                        .keyUnknown,
                        "\(expectation.what) takes no '\(pair.name)'",
                        at: pair.key.range,
                        notes: context.likely(pair.name, among: record.fields.keys)
                    )
                    isFine = false
                    continue
                }
            }
            guard let template = compile(pair.value, expected)?.template else {
                isFine = false
                continue
            }
            named.append(NamedTemplate(name: pair.name, value: template))
        }
        for (name, field) in record?.fields.sorted(by: { $0.key < $1.key }) ?? [] where field.presence == .always {
            guard !pairs.contains(where: { $0.name == name }) else { continue }
            context.error(.keyMissing, "\(expectation.what) needs '\(name)'", at: node.range)
            isFine = false
        }
        guard isFine else { return nil }
        return (folded(named), record.map { .record($0) } ?? .map(.string, value))
    }

    /// A list of constants is a constant.
    private func folded(_ templates: [ValueTemplate]) -> ValueTemplate {
        var values: [Value] = []
        for template in templates {
            guard case .constant(let value) = template else { return .list(templates) }
            values.append(value)
        }
        return .constant(.list(values))
    }

    private func folded(_ named: [NamedTemplate]) -> ValueTemplate {
        var map = ValueMap(minimumCapacity: named.count)
        for entry in named {
            guard case .constant(let value) = entry.value else { return .map(named) }
            map[entry.name] = value
        }
        return .constant(.map(map))
    }
}
