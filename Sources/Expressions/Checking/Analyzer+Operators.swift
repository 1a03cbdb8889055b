extension Analyzer {
    mutating func unary(
        _ operation: SyntaxNode.UnaryOperator,
        _ operand: SyntaxNode,
        _ node: SyntaxNode
    ) -> Analysis {
        let value = analyze(operand)
        switch operation {
        case .not:
            if !assign(value.type, to: .bool) {
                report(
                    "expression.type-mismatch",
                    "'!' takes a bool, this is \(show(value.type))",
                    at: operand.range
                )
            }
            return folded(NotNode(value.node, range: node.range), .bool, over: value.node)
        case .negate:
            let type = overload("-_", [value.type]) ?? .dynamic
            if type.isDynamic, !substitution.plain(value.type).isOpenEnded {
                report(
                    "expression.type-mismatch",
                    "'-' takes a number with a sign, this is \(show(value.type))",
                    at: operand.range
                )
            }
            return folded(NegationNode(value.node, range: node.range), type, over: value.node)
        }
    }

    mutating func binary(
        _ operation: SyntaxNode.BinaryOperator,
        _ operatorRange: Range<Int>,
        _ left: SyntaxNode,
        _ right: SyntaxNode,
        _ node: SyntaxNode
    ) -> Analysis {
        switch operation {
        case .and, .or: return logic(operation, left, right, node)
        default: break
        }
        let first = analyze(left)
        let second = analyze(right)
        let type: DeducedType
        switch operation {
        case .equal, .notEqual:
            checkEquality(operation, operatorRange, first.type, second.type, left, right)
            type = .bool
        case .less, .lessOrEqual, .greater, .greaterOrEqual:
            checkOrder(operation, operatorRange, first.type, second.type, left, right)
            type = .bool
        case .contained:
            checkContainment(operatorRange, first.type, second.type, left, right)
            type = .bool
        default: type = arithmetic(operation, operatorRange, first.type, second.type, left, right)
        }
        let built = operatorNode(operation, first.node, second.node, node.range)
        return folded(built, type, over: first.node, second.node)
    }

    private func operatorNode(
        _ operation: SyntaxNode.BinaryOperator,
        _ left: any EvaluationNode,
        _ right: any EvaluationNode,
        _ range: Range<Int>
    ) -> any EvaluationNode {
        switch operation {
        case .or: LogicNode(left, right, deciding: true, range: range)
        case .and: LogicNode(left, right, deciding: false, range: range)
        default: BinaryNode(operation, left, right, range: range)
        }
    }

    // MARK: Logic

    private mutating func logic(
        _ operation: SyntaxNode.BinaryOperator,
        _ left: SyntaxNode,
        _ right: SyntaxNode,
        _ node: SyntaxNode
    ) -> Analysis {
        let first = analyze(left)
        let known = present
        present.formUnion(facts(of: left, when: operation == .and))
        let second = analyze(right)
        present = known
        for (side, part) in [(first, left), (second, right)] where !assign(side.type, to: .bool) {
            report(
                "expression.type-mismatch",
                "'\(operation.rawValue)' takes bools, this is \(show(side.type))",
                at: part.range
            )
        }
        let built = operatorNode(operation, first.node, second.node, node.range)
        return folded(built, .bool, over: first.node, second.node)
    }

    /// The chains of selections that are there when a condition has the given truth.
    private func facts(of node: SyntaxNode, when truth: Bool) -> [[String]] {
        switch node.kind {
        case .call("has", _, let arguments, _) where truth && arguments.count == 1:
            guard let path = arguments[0].path, local(path[0]) == nil else { return [] }
            return [path]
        case .memberCall(let target, "hasValue", _, let arguments) where truth && arguments.isEmpty:
            guard let path = target.path, local(path[0]) == nil else { return [] }
            return [path]
        case .unary(.not, let operand): return facts(of: operand, when: !truth)
        case .binary(.and, _, let left, let right) where truth:
            return facts(of: left, when: true) + facts(of: right, when: true)
        case .binary(.or, _, let left, let right) where !truth:
            return facts(of: left, when: false) + facts(of: right, when: false)
        default: return []
        }
    }

    mutating func conditional(_ node: SyntaxNode) -> Analysis {
        guard case .conditional(let conditionNode, let firstNode, let secondNode) = node.kind else {
            preconditionFailure("no conditional")
        }
        let condition = analyze(conditionNode)
        if !assign(condition.type, to: .bool) {
            report(
                "expression.type-mismatch",
                "a condition is a bool, this is \(show(condition.type))",
                at: conditionNode.range
            )
        }
        let known = present
        present.formUnion(facts(of: conditionNode, when: true))
        let first = analyze(firstNode)
        present = known.union(facts(of: conditionNode, when: false))
        let second = analyze(secondNode)
        present = known
        let type = substitution.join(first.type, second.type)
        if case .bool(let truth)? = condition.node.constant, !isTraced {
            return Analysis(type: type, node: truth ? first.node : second.node)
        }
        return made(ConditionalNode(condition.node, first.node, second.node, range: node.range), type)
    }

    // MARK: Types of operators

    private mutating func arithmetic(
        _ operation: SyntaxNode.BinaryOperator,
        _ operatorRange: Range<Int>,
        _ first: DeducedType,
        _ second: DeducedType,
        _ left: SyntaxNode,
        _ right: SyntaxNode
    ) -> DeducedType {
        let name = "_\(operation.rawValue)_"
        if let type = overload(name, [first, second]) {
            if operation == .add { checkJoinedDecimals(first, second, left, right, at: operatorRange) }
            return type
        }
        let hint =
            decimalHint(operation, first, second, left, right)
            ?? arithmeticHint(operation, first, second, left, right)
        report(
            "expression.type-mismatch",
            "'\(operation.rawValue)' does not take \(show(first)) and \(show(second))",
            hint: hint,
            at: operatorRange
        )
        return .dynamic
    }

    private func arithmeticHint(
        _ operation: SyntaxNode.BinaryOperator,
        _ first: DeducedType,
        _ second: DeducedType,
        _ left: SyntaxNode,
        _ right: SyntaxNode
    ) -> String? {
        let types = (substitution.settle(first).plain, substitution.settle(second).plain)
        switch types {
        case (.int, .double), (.uint, .double), (.double, .int), (.double, .uint):
            let (whole, other) = types.0 == .double ? (right, left) : (left, right)
            var hint = conversionHint(from: .int, to: .double, whole) ?? "write double(x)"
            if let factor = scaleFactor(operation, other, isDivisor: types.1 == .double) {
                hint += "; for money write money.scale(\(source(whole.range)), '\(factor)', 'half-even')"
            }
            return hint
        case (.string, _) where operation == .add: return conversionHint(from: second, to: .string, right)
        case (_, .string) where operation == .add: return conversionHint(from: first, to: .string, left)
        case (.optional, _): return conversionHint(from: first, to: types.1, left)
        case (_, .optional): return conversionHint(from: second, to: types.0, right)
        case (.int, .uint): return conversionHint(from: .uint, to: .int, right)
        case (.uint, .int): return conversionHint(from: .uint, to: .int, left)
        default: return nil
        }
    }

    private mutating func checkEquality(
        _ operation: SyntaxNode.BinaryOperator,
        _ operatorRange: Range<Int>,
        _ first: DeducedType,
        _ second: DeducedType,
        _ left: SyntaxNode,
        _ right: SyntaxNode
    ) {
        if assign(first, to: second) || assign(second, to: first) {
            checkChoice(first, against: right, shown: left)
            checkChoice(second, against: left, shown: right)
            checkEqualDecimals(operation, first, second, left, right, at: operatorRange)
            return
        }
        let types = (substitution.plain(first), substitution.plain(second))
        if types.0 == .null || types.1 == .null {
            warn(
                "expression.never-null",
                "\(show(types.0 == .null ? second : first)) is never null",
                at: operatorRange
            )
            return
        }
        let isNumeric = types.0.isNumeric && types.1.isNumeric
        let hint =
            isNumeric
            ? arithmeticHint(.add, first, second, left, right)
            : decimalHint(operation, first, second, left, right)
                ?? conversionHint(from: second, to: first, right) ?? conversionHint(from: first, to: second, left)
        report(
            "expression.type-mismatch",
            "'\(operation.rawValue)' compares \(show(first)) with \(show(second))",
            hint: hint,
            at: operatorRange
        )
    }

    private mutating func checkOrder(
        _ operation: SyntaxNode.BinaryOperator,
        _ operatorRange: Range<Int>,
        _ first: DeducedType,
        _ second: DeducedType,
        _ left: SyntaxNode,
        _ right: SyntaxNode
    ) {
        let types = (substitution.plain(first), substitution.plain(second))
        if isDecimal(first) || isDecimal(second), types.0 == types.1 || types.0.isOpenEnded || types.1.isOpenEnded {
            report(
                "expression.decimal",
                "'\(operation.rawValue)' compares decimals as texts: '9.00' comes behind '12.50'",
                hint: decimalHint(operation, first, second, left, right),
                at: operatorRange
            )
            return
        }
        if types.0.isOpenEnded && isOrdered(types.1) || types.1.isOpenEnded && isOrdered(types.0) { return }
        if types.0.isNumeric && types.1.isNumeric { return }
        if isOrdered(types.0), types.0 == types.1 { return }
        let hint =
            decimalHint(operation, first, second, left, right)
            ?? conversionHint(from: second, to: first, right) ?? conversionHint(from: first, to: second, left)
        report(
            "expression.type-mismatch",
            "'\(operation.rawValue)' does not take \(show(first)) and \(show(second))",
            hint: hint,
            at: operatorRange
        )
    }

    private func isOrdered(_ type: DeducedType) -> Bool {
        switch type {
        case .dynamic, .parameter, .bool, .int, .uint, .double, .string, .bytes, .timestamp, .duration: true
        default: false
        }
    }

    private mutating func checkContainment(
        _ operatorRange: Range<Int>,
        _ first: DeducedType,
        _ second: DeducedType,
        _ left: SyntaxNode,
        _ right: SyntaxNode
    ) {
        if overload("_in_", [first, second]) != nil {
            checkContainedChoice(first, second, left, right)
            checkContainedDecimals(first, second, left, right, at: operatorRange)
            return
        }
        let hint: String? =
            substitution.plain(second) == .string
            ? "write \(source(right.range)).contains(\(source(left.range)))" : nil
        report(
            "expression.type-mismatch",
            "'in' does not take \(show(first)) and \(show(second))",
            hint: hint,
            at: operatorRange
        )
    }

    // MARK: Literals

    mutating func list(_ elements: [SyntaxNode.Element], _ node: SyntaxNode) -> Analysis {
        var nodes: [(node: any EvaluationNode, isOptional: Bool)] = []
        var type: DeducedType?
        for element in elements {
            let value = analyze(element.value)
            let elementType = unwrapped(value.type, isOptional: element.isOptional, element.value)
            type = type.map { substitution.join($0, elementType) } ?? elementType
            nodes.append((value.node, element.isOptional))
        }
        return folded(
            ListNode(nodes, range: node.range),
            .list(type ?? substitution.fresh()),
            over: nodes.map(\.node)
        )
    }

    mutating func map(_ entries: [SyntaxNode.Entry], _ node: SyntaxNode) -> Analysis {
        var nodes: [MapNode.Entry] = []
        var keyType: DeducedType?
        var valueType: DeducedType?
        for entry in entries {
            let key = analyze(entry.key)
            checkKey(key.type, entry.key)
            let value = analyze(entry.value)
            let entryType = unwrapped(value.type, isOptional: entry.isOptional, entry.value)
            keyType = keyType.map { substitution.join($0, key.type) } ?? key.type
            valueType = valueType.map { substitution.join($0, entryType) } ?? entryType
            nodes.append(MapNode.Entry(key: key.node, value: value.node, isOptional: entry.isOptional))
        }
        let type = DeducedType.map(keyType ?? substitution.fresh(), valueType ?? substitution.fresh())
        return folded(MapNode(nodes, range: node.range), type, over: nodes.flatMap { [$0.key, $0.value] })
    }

    private mutating func checkKey(_ type: DeducedType, _ node: SyntaxNode) {
        switch substitution.plain(type) {
        case .dynamic, .parameter, .bool, .int, .uint, .string: break
        case .double:
            report("expression.type-mismatch", "a map's key is no double", at: node.range)
        case let other:
            report("expression.type-mismatch", "\(show(other)) cannot be a map's key", at: node.range)
        }
    }

    /// The type inside an optional element; a finding when it is no optional.
    private mutating func unwrapped(_ type: DeducedType, isOptional: Bool, _ node: SyntaxNode) -> DeducedType {
        guard isOptional else { return type }
        switch substitution.plain(type) {
        case .optional(let wrapped): return wrapped
        case .dynamic, .parameter: return .dynamic
        case let other:
            report("expression.type-mismatch", "'?' takes an optional, this is \(show(other))", at: node.range)
            return .dynamic
        }
    }
}
