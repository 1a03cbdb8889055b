extension Analyzer {
    static let macroNames = [
        "has", "all", "exists", "exists_one", "existsOne", "map", "filter", "transformList", "transformMap",
        "transformMapEntry", "sortBy", "optMap", "optFlatMap", "cel.bind", "orValue", "or",
    ]

    /// The analysis of a macro written as a member call, or nil when it is none.
    mutating func macro(
        _ target: SyntaxNode,
        _ name: String,
        _ nameRange: Range<Int>,
        _ arguments: [SyntaxNode],
        _ node: SyntaxNode
    ) -> Analysis? {
        if case .identifier("cel", false) = target.kind, local("cel") == nil {
            return celMacro(name, nameRange, arguments, node)
        }
        switch (name, arguments.count) {
        case ("all", 2), ("all", 3), ("exists", 2), ("exists", 3): return quantifier(target, name, arguments, node)
        case ("exists_one", 2), ("exists_one", 3), ("existsOne", 2), ("existsOne", 3):
            return existsOne(target, arguments, node)
        case ("map", 2), ("map", 3), ("filter", 2):
            return listTransform(target, name, arguments, node, twoVariables: false)
        case ("transformList", 3), ("transformList", 4):
            return listTransform(target, name, arguments, node, twoVariables: true)
        case ("transformMap", 3), ("transformMap", 4), ("transformMapEntry", 3), ("transformMapEntry", 4):
            return mapTransform(target, name, arguments, node)
        case ("sortBy", 2): return sortBy(target, arguments, node)
        case ("optMap", 2), ("optFlatMap", 2): return optionalMap(target, name, arguments, node)
        case ("or", 1), ("orValue", 1): return optionalElse(target, name, nameRange, arguments[0], node)
        default: return nil
        }
    }

    // MARK: Iteration

    private struct Loop {
        var iteration: Iteration
        var source: DeducedType
        var element: DeducedType
    }

    /// The name that an argument binds: an identifier, or `cel.iterVar(depth, number)`.
    private mutating func boundName(_ node: SyntaxNode) -> String? {
        if case .identifier(let name, false) = node.kind { return name }
        if let name = Self.celVariable(node) { return name }
        report(
            "expression.macro",
            "a macro's variable is a plain name, this is '\(source(node.range))'",
            at: node.range
        )
        return nil
    }

    private static func celVariable(_ node: SyntaxNode) -> String? {
        guard case .memberCall(let target, let name, _, let arguments) = node.kind,
            case .identifier("cel", false) = target.kind, name == "iterVar" || name == "accuVar"
        else { return nil }
        let numbers = arguments.compactMap { argument in
            if case .literal(.int(let number)) = argument.kind { number } else { nil }
        }
        guard numbers.count == arguments.count else { return nil }
        return "@\(name):" + numbers.map(String.init).joined(separator: ":")
    }

    /// The types of what a macro's variables hold: of the one, or of the two.
    private mutating func itemTypes(_ type: DeducedType, _ target: SyntaxNode) -> (
        DeducedType, DeducedType, DeducedType
    ) {
        switch substitution.plain(type) {
        case .list(let element):
            let element = knownOrDynamic(element)
            return (element, .int, element)
        case .map(let key, let value): return (knownOrDynamic(key), knownOrDynamic(key), knownOrDynamic(value))
        case .record: return (.string, .string, .dynamic)
        case .dynamic, .parameter: return (.dynamic, .dynamic, .dynamic)
        case let other:
            report(
                "expression.type-mismatch",
                "a macro goes over a list or a map, this is \(show(other))",
                at: target.range
            )
            return (.dynamic, .dynamic, .dynamic)
        }
    }

    /// The items of an empty literal may be taken for anything, more than once.
    private func knownOrDynamic(_ type: DeducedType) -> DeducedType {
        let type = substitution.resolve(type)
        return type.isOpenEnded ? .dynamic : type
    }

    /// Analyses a loop's source, binds its variables while the body is analysed, and gives both.
    private mutating func loop<Body>(
        over target: SyntaxNode,
        variables: ArraySlice<SyntaxNode>,
        _ body: (inout Analyzer) -> Body
    ) -> (loop: Loop, body: Body) {
        let source = analyze(target)
        let types = itemTypes(source.type, target)
        let names = variables.map { boundName($0) ?? "@none" }
        if names.count == 2, names[0] == names[1], let last = variables.last {
            report("expression.macro", "a macro's two variables need two names", at: last.range)
        }
        let outerCount = locals.count
        let first = newSlot()
        var second: Int?
        if names.count == 2 {
            let slot = newSlot()
            second = slot
            locals.append(Local(name: names[0], type: types.1, slot: first))
            locals.append(Local(name: names[1], type: types.2, slot: slot))
        } else {
            locals.append(Local(name: names[0], type: types.0, slot: first))
        }
        let before = nodeCount
        let analysis = body(&self)
        let cost = nodeCount - before + 1
        locals.removeLast(locals.count - outerCount)
        let iteration = Iteration(source: source.node, first: first, second: second, cost: cost)
        return (Loop(iteration: iteration, source: source.type, element: types.0), analysis)
    }

    private mutating func predicate(_ node: SyntaxNode, of macro: String) -> any EvaluationNode {
        let analysis = analyze(node)
        if !assign(analysis.type, to: .bool) {
            report(
                "expression.type-mismatch",
                "the condition of '\(macro)' is a bool, this is \(show(analysis.type))",
                at: node.range
            )
        }
        return analysis.node
    }

    private mutating func quantifier(
        _ target: SyntaxNode,
        _ name: String,
        _ arguments: [SyntaxNode],
        _ node: SyntaxNode
    ) -> Analysis {
        let last = arguments[arguments.count - 1]
        let (loop, body) = loop(over: target, variables: arguments.dropLast()) { $0.predicate(last, of: name) }
        return made(
            QuantifierNode(loop.iteration, predicate: body, deciding: name == "exists", range: node.range),
            .bool
        )
    }

    private mutating func existsOne(
        _ target: SyntaxNode,
        _ arguments: [SyntaxNode],
        _ node: SyntaxNode
    ) -> Analysis {
        let last = arguments[arguments.count - 1]
        let (loop, body) = loop(over: target, variables: arguments.dropLast()) { $0.predicate(last, of: "exists_one") }
        return made(ExistsOneNode(loop.iteration, predicate: body, range: node.range), .bool)
    }

    private mutating func listTransform(
        _ target: SyntaxNode,
        _ name: String,
        _ arguments: [SyntaxNode],
        _ node: SyntaxNode,
        twoVariables: Bool
    ) -> Analysis {
        let variableCount = twoVariables ? 2 : 1
        let rest = arguments.dropFirst(variableCount)
        let (loop, body) = loop(over: target, variables: arguments.prefix(variableCount)) {
            analyzer -> (condition: (any EvaluationNode)?, transformation: Analysis?) in
            if name == "filter" { return (analyzer.predicate(rest[variableCount], of: name), nil) }
            let condition = rest.count == 2 ? analyzer.predicate(rest[variableCount], of: name) : nil
            return (condition, analyzer.analyze(rest[arguments.count - 1]))
        }
        let built = ListTransformNode(
            loop.iteration,
            predicate: body.condition,
            transformation: body.transformation?.node,
            range: node.range
        )
        return made(built, .list(body.transformation?.type ?? loop.element))
    }

    private mutating func mapTransform(
        _ target: SyntaxNode,
        _ name: String,
        _ arguments: [SyntaxNode],
        _ node: SyntaxNode
    ) -> Analysis {
        let givesEntries = name == "transformMapEntry"
        let (loop, body) = loop(over: target, variables: arguments.prefix(2)) {
            analyzer -> (condition: (any EvaluationNode)?, transformation: Analysis) in
            let condition = arguments.count == 4 ? analyzer.predicate(arguments[2], of: name) : nil
            return (condition, analyzer.analyze(arguments[arguments.count - 1]))
        }
        let built = MapTransformNode(
            loop.iteration,
            predicate: body.condition,
            transformation: body.transformation.node,
            givesEntries: givesEntries,
            range: node.range
        )
        let key: DeducedType =
            switch substitution.plain(loop.source) {
            case .list: .int
            case .map(let key, _): key
            case .record: .string
            default: .dynamic
            }
        if !givesEntries { return made(built, .map(key, body.transformation.type)) }
        let type = substitution.plain(body.transformation.type)
        switch type {
        case .map: return made(built, type)
        case .dynamic, .parameter, .record: return made(built, .map(.dynamic, .dynamic))
        default:
            report(
                "expression.type-mismatch",
                "'transformMapEntry' takes a map of entries, this is \(show(type))",
                at: arguments[arguments.count - 1].range
            )
            return made(built, .map(.dynamic, .dynamic))
        }
    }

    private mutating func sortBy(_ target: SyntaxNode, _ arguments: [SyntaxNode], _ node: SyntaxNode) -> Analysis {
        let (loop, key) = loop(over: target, variables: arguments.prefix(1)) { $0.analyze(arguments[1]) }
        if isDecimal(key.type) {
            report(
                "expression.decimal",
                "'sortBy' orders decimals as texts: '9.00' comes behind '12.50'",
                hint: "write double(\(source(arguments[1].range))), or let 'order' of find-records sort",
                at: arguments[1].range
            )
        }
        return made(SortByNode(loop.iteration, key: key.node, range: node.range), .list(loop.element))
    }

    // MARK: Optionals

    private mutating func optionalMap(
        _ target: SyntaxNode,
        _ name: String,
        _ arguments: [SyntaxNode],
        _ node: SyntaxNode
    ) -> Analysis {
        let source = analyze(target)
        let inner = wrappedType(source.type, target)
        let slot = newSlot()
        locals.append(Local(name: boundName(arguments[0]) ?? "@none", type: inner, slot: slot))
        let body = analyze(arguments[1])
        locals.removeLast()
        let isFlat = name == "optFlatMap"
        let type: DeducedType = isFlat ? .optional(wrappedType(body.type, arguments[1])) : .optional(body.type)
        return made(
            OptionalMapNode(source.node, slot: slot, body: body.node, isFlat: isFlat, range: node.range),
            type
        )
    }

    private mutating func wrappedType(_ type: DeducedType, _ node: SyntaxNode) -> DeducedType {
        switch substitution.plain(type) {
        case .optional(let wrapped): return wrapped
        case .dynamic, .parameter: return .dynamic
        case let other:
            report(
                "expression.type-mismatch",
                "an optional is expected, this is \(show(other))",
                at: node.range
            )
            return .dynamic
        }
    }

    private mutating func optionalElse(
        _ target: SyntaxNode,
        _ name: String,
        _ nameRange: Range<Int>,
        _ alternative: SyntaxNode,
        _ node: SyntaxNode
    ) -> Analysis {
        let source = analyze(target)
        let other = analyze(alternative)
        let givesValue = name == "orValue"
        let node = OptionalElseNode(source.node, other.node, givesValue: givesValue, range: node.range)
        guard case .optional(let wrapped) = substitution.plain(source.type) else {
            if !substitution.plain(source.type).isOpenEnded {
                var hint = "it is always there: leave out .\(name)(…)"
                if substitution.resolve(source.type).facets.isNullable, givesValue {
                    let value = self.source(target.range)
                    hint = "write \(value) == null ? \(self.source(alternative.range)) : \(value)"
                }
                report(
                    "expression.type-mismatch",
                    "'\(name)' takes an optional, this is \(show(source.type))",
                    hint: hint,
                    at: nameRange
                )
            }
            return made(node, .dynamic)
        }
        let wanted: DeducedType = givesValue ? wrapped : .optional(wrapped)
        if !assign(other.type, to: wanted), !assign(wanted, to: other.type) {
            report(
                "expression.type-mismatch",
                "the other value is \(show(wanted)), this is \(show(other.type))",
                hint: conversionHint(from: other.type, to: wanted, alternative),
                at: alternative.range
            )
        }
        return made(node, substitution.join(wanted, other.type))
    }

    // MARK: cel.*

    private mutating func celMacro(
        _ name: String,
        _ nameRange: Range<Int>,
        _ arguments: [SyntaxNode],
        _ node: SyntaxNode
    ) -> Analysis? {
        if let variable = Self.celVariable(node) {
            guard let local = local(variable) else {
                return failed("expression.unknown-name", "'\(source(node.range))' is not bound here", at: node.range)
            }
            return use(local, at: node.range)
        }
        switch (name, arguments.count) {
        case ("bind", 3): return bind(arguments, node)
        case ("block", 2): return block(arguments, node)
        case ("index", 1):
            guard case .literal(.int(let number)) = arguments[0].kind, let local = local("@index:\(number)") else {
                return failed("expression.unknown-name", "there is no such part of the block", at: node.range)
            }
            return use(local, at: node.range)
        default: return nil
        }
    }

    /// A variable whose value is computed when it is first used.
    private mutating func lazyLocal(_ name: String, _ valueNode: SyntaxNode) -> Local {
        let before = nodeCount
        let value = analyze(valueNode)
        return Local(
            name: name,
            type: value.type,
            slot: newSlot(),
            lazyValue: value.node,
            cost: nodeCount - before + 1
        )
    }

    private mutating func bind(_ arguments: [SyntaxNode], _ node: SyntaxNode) -> Analysis {
        let name = boundName(arguments[0]) ?? "@none"
        let local = lazyLocal(name, arguments[1])
        locals.append(local)
        let body = analyze(arguments[2])
        locals.removeLast()
        return made(BindingNode(slots: [local.slot], body: body.node, range: node.range), body.type)
    }

    private mutating func block(_ arguments: [SyntaxNode], _ node: SyntaxNode) -> Analysis {
        guard case .list(let elements) = arguments[0].kind else {
            return failed("expression.macro", "cel.block takes a list of parts", at: arguments[0].range)
        }
        let outerCount = locals.count
        var slots: [Int] = []
        for (number, element) in elements.enumerated() {
            var local = lazyLocal("@index:\(number)", element.value)
            if element.isOptional, case .optional(let wrapped) = substitution.plain(local.type) {
                local = Local(
                    name: local.name,
                    type: wrapped,
                    slot: local.slot,
                    lazyValue: local.lazyValue,
                    cost: local.cost
                )
            }
            slots.append(local.slot)
            locals.append(local)
        }
        let body = analyze(arguments[1])
        locals.removeLast(locals.count - outerCount)
        return made(BindingNode(slots: slots, body: body.node, range: node.range), body.type)
    }
}
