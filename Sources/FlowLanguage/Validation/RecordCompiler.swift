import Expressions

/// Compiles `where:` and `set:` of record blocks against a table.
struct RecordCompiler {
    let context: FileContext
    let scope: ExpressionScope
    let table: Table

    init(_ context: FileContext, scope: ExpressionScope, table: Table) {
        self.context = context
        self.scope = scope
        self.table = table
    }

    func column(_ name: Located<String>) -> Column? {
        if let column = table.anyColumn(named: name.value) { return column }
        context.error(
            .columnUnknown,
            "the table '\(table.name)' has no column '\(name.value)'",
            at: name.range,
            notes: context.likely(name.value, among: table.columnNames)
        )
        return nil
    }

    // MARK: set

    /// Compiles `set:`; for an insert all columns without a default must be given, and there is no row yet.
    func assignments(_ node: YAMLNode, isInsert: Bool) -> [ColumnAssignment] {
        guard let pairs = context.pairs(of: node, what: "'set'") else { return [] }
        if pairs.isEmpty, !isInsert {
            context.error(.setEmpty, "'set' names at least one column", at: node.range)
        }
        if isInsert { reportMissing(pairs, node) }
        return pairs.compactMap { pair in
            let name = Located(value: pair.name, range: pair.key.range)
            guard let column = column(name) else { return nil }
            if column.name == "id" {
                context.error(.columnReserved, "'id' is given by the table; it cannot be set", at: name.range)
                return nil
            }
            let value = operand(pair.value, column: column, type: column.type.expressionType, hasRow: !isInsert)
            return value.map { ColumnAssignment(column: column.name, value: $0) }
        }
    }

    private func reportMissing(_ pairs: [YAMLPair], _ node: YAMLNode) {
        let missing = table.columns.filter { column in
            !column.isOptional && column.defaultValue == nil && !pairs.contains { $0.name == column.name }
        }
        // A misspelt name is one mistake, not two.
        let misspelt = pairs.contains { table.anyColumn(named: $0.name) == nil }
        guard !missing.isEmpty, !misspelt else { return }
        let plural = missing.count > 1 ? "columns" : "column"
        context.error(
            .setMissing,
            "'set' leaves out the \(plural) \(missing.map(\.name).listed), which \(missing.count > 1 ? "have" : "has") no default",
            at: pairs.first?.key.range ?? node.range
        )
    }

    // MARK: where

    func conditions(_ node: YAMLNode, isRequired: Bool) -> [RecordCondition] {
        guard let pairs = context.pairs(of: node, what: "'where'") else { return [] }
        if pairs.isEmpty, isRequired {
            context.error(.whereMissing, "'where' is empty: every row would be meant", at: node.range)
        }
        return pairs.flatMap { pair -> [RecordCondition] in
            let name = Located(value: pair.name, range: pair.key.range)
            guard let column = column(name) else { return [] }
            if case .mapping(let operators) = pair.value.content {
                return operators.compactMap { condition($0, column: column) }
            }
            return comparison(.equals, pair.value, column: column).map { [$0] } ?? []
        }
    }

    private func condition(_ pair: YAMLPair, column: Column) -> RecordCondition? {
        guard let word = RecordCondition.Operator(rawValue: pair.name) else {
            let words = RecordCondition.Operator.allCases.map(\.rawValue)
            let near = context.likely(pair.name, among: words)
            context.error(
                .whereOperator,
                "'where' has no comparison '\(pair.name)'",
                at: pair.key.range,
                notes: near.isEmpty ? ["comparisons are \(words.listed)"] : near
            )
            return nil
        }
        let isOrdered = column.type != .bool && column.type != .json && column.type != .bytes
        switch word {
        case .gt, .gte, .lt, .lte:
            guard isOrdered else { return refuse(word, column, pair) }
        case .startsWith:
            guard column.type == .string else { return refuse(word, column, pair) }
        case .equals, .not, .in, .isNull: break
        }
        return comparison(word, pair.value, column: column)
    }

    private func refuse(_ word: RecordCondition.Operator, _ column: Column, _ pair: YAMLPair) -> RecordCondition? {
        let message = "'\(word.rawValue)' cannot compare '\(column.name)', which is of type \(column.type.rawValue)"
        context.error(.whereOperator, message, at: pair.key.range)
        return nil
    }

    private func comparison(_ word: RecordCondition.Operator, _ node: YAMLNode, column: Column) -> RecordCondition? {
        let type: ExpressionType =
            switch word {
            case .in: .list(column.type.expressionType)
            case .isNull: .bool
            default: column.type.expressionType
            }
        if word != .isNull, node.scalar?.resolved == .null {
            context.error(
                .whereNull,
                "a null is not compared with '='",
                at: node.range,
                notes: ["write '\(column.name): { isNull: true }'"]
            )
            return nil
        }
        let isList = word == .in || word == .isNull
        let value = operand(node, column: column, type: type, hasRow: true, isOwnType: !isList)
        return value.map { RecordCondition(column: column.name, operator: word, operand: $0) }
    }

    // MARK: Values

    /// Compiles one value.
    ///
    /// `hasRow` says whether `record.<column>` may be named, `isOwnType` whether the value is one of the column's own, so
    /// that its bounds hold.
    private func operand(
        _ node: YAMLNode,
        column: Column,
        type: ExpressionType,
        hasRow: Bool,
        isOwnType: Bool = true
    ) -> ColumnExpression? {
        let what = "'\(column.name)'"
        if let scalar = node.scalar {
            if hasRow, scalar.text.contains("record"),
                let expression = arithmetic(scalar, node, column: column, type: type)
            {
                return expression.value
            }
            if isOwnType, !scalar.text.contains("${"), scalar.resolved != .null, column.type != .json {
                if column.type == .string {
                    TemplateCompiler(context, scope: scope)
                        .warnOfExpression(scalar, node, Expectation(type: .string, what: what))
                }
                return constant(node, column: column)
            }
        }
        let expectation = Expectation(
            type: type,
            what: what,
            allowed: type == .string || type == .list(.string) ? column.allowed : [],
            allowsNull: column.isOptional || column.type == .json
        )
        let compiled = TemplateCompiler(context, scope: scope).compile(node, expectation)
        return compiled.map { .value($0.template) }
    }

    private func constant(_ node: YAMLNode, column: Column) -> ColumnExpression? {
        guard let value = context.constant(of: node, as: column.type, what: "'\(column.name)'") else { return nil }
        if case .string(let text) = value, !column.allowed.isEmpty, !column.allowed.contains(text) {
            context.error(
                .valueChoice,
                "'\(column.name)' cannot be '\(text)'; it is one of \(column.allowed.listed)",
                at: node.range,
                notes: context.likely(text, among: column.allowed)
            )
            return nil
        }
        if case .int(let number) = value, number < column.min ?? .min || number > column.max ?? .max {
            context.error(
                .valueRange,
                "\(number) is outside 'min' and 'max' of the column '\(column.name)'",
                at: node.range
            )
            return nil
        }
        if case .string(let text) = value, let length = column.maxLength, text.unicodeScalars.count > length {
            context.error(
                .valueRange,
                "the text is longer than 'maxLength' of the column '\(column.name)'",
                at: node.range
            )
            return nil
        }
        return .value(.constant(value))
    }

    // MARK: The row's own columns

    private struct Arithmetic {
        /// Nil when it was reported.
        var value: ColumnExpression?
    }

    /// `${ record.seats - input.seats }`, turned into SQL; nil when `record` is not named.
    private func arithmetic(
        _ scalar: YAMLScalar,
        _ node: YAMLNode,
        column: Column,
        type: ExpressionType
    ) -> Arithmetic? {
        let parsed = Template.parse(scalar.text)
        guard parsed.findings.isEmpty else { return nil }
        let source = ExpressionCompiler.Source(scalar, range: node.range, in: context.text)
        guard parsed.segments.count == 1, case .expression(let offsets) = parsed.segments[0] else { return nil }
        let rowScope = scope.with(record: table)
        let trial = Expression.compile(source.text(offsets), declarations: rowScope.declarations)
        let names = trial.syntax.map { Self.namesRow($0) } ?? false
        guard names else { return nil }
        let compiler = ExpressionCompiler(context)
        guard let compilation = compiler.compilation(source, offsets, scope: rowScope), let syntax = compilation.syntax
        else {
            return Arithmetic(value: nil)
        }
        if let mismatch = TypeRules.mismatch(of: compilation.type, expected: type) {
            compiler.reportMismatch(
                compilation.type,
                mismatch,
                what: "'\(column.name)'",
                at: source.map.sourceRange(offsets)
            )
            return Arithmetic(value: nil)
        }
        return Arithmetic(value: translate(syntax, source, offsets, column))
    }

    private func translate(
        _ node: SyntaxNode,
        _ source: ExpressionCompiler.Source,
        _ offsets: Range<Int>,
        _ column: Column
    ) -> ColumnExpression? {
        let own = offsets.lowerBound + node.range.lowerBound..<offsets.lowerBound + node.range.upperBound
        guard Self.namesRow(node) else {
            let compiler = ExpressionCompiler(context)
            let placed = compiler.compile(source, own, scope: scope, expected: .dynamic, what: "the value")
            return placed.map { .value(.expression($0)) }
        }
        if let path = node.path, path.count == 2, path[0] == "record" { return .column(path[1]) }
        if case .binary(let sign, _, let left, let right) = node.kind,
            sign == .add || sign == .subtract || sign == .multiply
        {
            guard column.type == .int else {
                context.error(
                    .recordArithmetic,
                    "'\(column.name)' is \(column.type.rawValue): the database computes with int columns alone",
                    at: source.map.sourceRange(own),
                    notes: ["read the row with find-record, and compute with what it gives"]
                )
                return nil
            }
            guard let first = translate(left, source, offsets, column),
                let second = translate(right, source, offsets, column)
            else { return nil }
            switch sign {
            case .add: return .add(first, second)
            case .subtract: return .subtract(first, second)
            default: return .multiply(first, second)
            }
        }
        context.error(
            .recordArithmetic,
            "'record' stands for the row in the database: its columns can be added, subtracted and multiplied, no more",
            at: source.map.sourceRange(own),
            notes: ["read the row with find-record to compute more with it"]
        )
        return nil
    }

    private static func namesRow(_ node: SyntaxNode) -> Bool {
        switch node.kind {
        case .literal: false
        case .identifier(let name, _): name == "record"
        case .select(let operand, _, _, _): namesRow(operand)
        case .index(let operand, let key, _): namesRow(operand) || namesRow(key)
        case .call(_, _, let arguments, _): arguments.contains { namesRow($0) }
        case .memberCall(let target, _, _, let arguments): namesRow(target) || arguments.contains { namesRow($0) }
        case .unary(_, let operand): namesRow(operand)
        case .binary(_, _, let left, let right): namesRow(left) || namesRow(right)
        case .conditional(let condition, let first, let second): [condition, first, second].contains { namesRow($0) }
        case .list(let elements): elements.contains { namesRow($0.value) }
        case .map(let entries), .structure(_, let entries):
            entries.contains { namesRow($0.key) || namesRow($0.value) }
        }
    }
}
