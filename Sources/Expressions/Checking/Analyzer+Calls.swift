extension Analyzer {
    /// The result's type when overloads accept the arguments; dynamic when several do and differ.
    ///
    /// Nil when none does.
    mutating func overload(_ name: String, _ arguments: [DeducedType], isMember: Bool = false) -> DeducedType? {
        let declared = declarations.functions.filter { $0.name == name }
        let candidates = (StandardSignatures.byName[name] ?? []) + declared
        var accepted: (substitution: TypeSubstitution, type: DeducedType)?
        for signature in candidates where signature.isMember == isMember {
            guard signature.parameters.count == arguments.count else { continue }
            var trial = substitution
            let parameters = (0..<signature.parameterCount).map { _ in trial.fresh() }
            let matches = zip(arguments, signature.parameters).allSatisfy { argument, formal in
                trial.assign(argument, to: formal.instantiated(parameters))
            }
            guard matches else { continue }
            let result = trial.resolve(signature.result.instantiated(parameters))
            if let first = accepted {
                if first.substitution.settle(first.type) != trial.settle(result) { return .dynamic }
            } else {
                accepted = (trial, result)
            }
        }
        guard let accepted else { return nil }
        substitution = accepted.substitution
        return accepted.type
    }

    mutating func call(_ node: SyntaxNode) -> Analysis {
        switch node.kind {
        case .call(let name, let nameRange, let arguments, let isRooted):
            if name == "has", !isRooted { return presence(arguments, nameRange, node) }
            return function(resolved(name, isRooted: isRooted), nameRange, target: nil, arguments, node)
        case .memberCall(let target, let name, let nameRange, let arguments):
            if let macro = macro(target, name, nameRange, arguments, node) { return macro }
            if let qualified = qualifiedName(target), qualified.isRooted || local(qualified.root) == nil {
                let full = resolved("\(qualified.name).\(name)", isRooted: qualified.isRooted)
                if isFunction(full) {
                    return function(full, nameRange, target: nil, arguments, node)
                }
                if variable(named: qualified.root, isRooted: qualified.isRooted) == nil,
                    Self.namespaces.contains(qualified.name)
                {
                    return unknownFunction("\(qualified.name).\(name)", nameRange)
                }
            }
            return function(name, nameRange, target: target, arguments, node)
        default: preconditionFailure("no call")
        }
    }

    private static let namespaces: Set<String> = [
        "math", "strings", "lists", "sets", "base64", "optional", "regex", "money", "cel", "net",
    ]

    private func isFunction(_ name: String) -> Bool {
        StandardSignatures.byName[name] != nil || FunctionTable.byName[name] != nil
            || declarations.functions.contains { $0.name == name }
    }

    private func resolved(_ name: String, isRooted: Bool) -> String {
        guard !isRooted, !declarations.container.isEmpty else { return name }
        var container = Substring(declarations.container)
        while !container.isEmpty {
            if isFunction("\(container).\(name)") { return "\(container).\(name)" }
            container = container.lastIndex(of: ".").map { container[..<$0] } ?? ""
        }
        return name
    }

    private mutating func function(
        _ name: String,
        _ nameRange: Range<Int>,
        target: SyntaxNode?,
        _ arguments: [SyntaxNode],
        _ node: SyntaxNode
    ) -> Analysis {
        var parts: [Analysis] = []
        if let target { parts.append(analyze(target)) }
        for argument in arguments { parts.append(analyze(argument)) }
        guard isFunction(name) else { return unknownFunction(name, nameRange, target: parts.first?.type) }
        let types = parts.map(\.type)
        let type: DeducedType
        if name == "math.greatest" || name == "math.least" {
            type = extremeType(name, types, node)
        } else if let found = overload(name, types, isMember: target != nil) {
            type = found
        } else {
            type = .dynamic
            reportNoOverload(name, nameRange, types, target: target, arguments)
        }
        let nodes = parts.map(\.node)
        if let special = prepared(name, nodes, arguments, node) {
            return special is FailureNode ? made(special, type) : folded(special, type, over: nodes)
        }
        if name == "or" || name == "orValue", nodes.count == 2 {
            return made(
                OptionalElseNode(nodes[0], nodes[1], givesValue: name == "orValue", range: node.range),
                type
            )
        }
        guard let body = FunctionTable.body(name, argumentCount: nodes.count) else {
            let failure = FailureNode(
                code: EvaluationError.Code.noSuchOverload,
                message: "'\(name)' does not take \(nodes.count) arguments",
                range: node.range
            )
            return made(failure, type)
        }
        if name.hasPrefix("money.") { warnOfConstants(name, body, nodes, node) }
        let alwaysFails = Self.constantHint(name, arguments)
        return folded(body.node(nodes, range: node.range), type, over: nodes, alwaysFails: alwaysFails)
    }

    /// Tells of a currency, a factor, a rounding or a number of parts that no amount goes with.
    private mutating func warnOfConstants(
        _ name: String,
        _ body: FunctionBody,
        _ nodes: [any EvaluationNode],
        _ node: SyntaxNode
    ) {
        guard !isTraced, nodes.count > 1, let amount = nodes.first, amount.constant == nil,
            nodes.dropFirst().allSatisfy({ $0.constant != nil })
        else { return }
        // With an amount that suits every other argument, what fails is theirs.
        let any = ConstantNode(name == "money.minor" ? .string("1") : .int(100), range: amount.range)
        let trial = body.node([any] + nodes.dropFirst(), range: node.range)
        guard case .failure(let error)? = Self.result(ofConstant: trial),
            error.code == EvaluationError.Code.invalidArgument
        else { return }
        warn("expression.always-fails", "this always fails: \(error.message)", hint: nil, at: node.range)
    }

    /// What to write when the constant arguments of a function do not suit it.
    ///
    /// Nil when they are not constant. The functions are those that read a text: what they refuse is a slip.
    private static func constantHint(_ name: String, _ arguments: [SyntaxNode]) -> String? {
        guard case .literal(.string(let text))? = arguments.first?.kind, arguments.allSatisfy(\.isLiteral) else {
            return nil
        }
        switch name {
        case "duration":
            let days = text.hasSuffix("d") ? Int64(text.dropLast()) : nil
            // Far beyond what a duration holds, and so no hint.
            return days.flatMap { $0.magnitude < 1_000_000 ? "write duration('\($0 * 24)h')" : nil }
                ?? "write it as '1h30m' or '1.5s'; the units are h, m, s and ms"
        case "timestamp":
            let withZone = [text + "T00:00:00Z", text + "Z"].first { Timestamp(rfc3339: $0) != nil }
            return withZone.map { "write timestamp('\($0)')" } ?? "write it in full: '2026-11-20T12:00:00Z'"
        case "int" where text.contains("."): return "write the number; for an amount, money.minor('19.99', 'usd')"
        case "int", "uint": return "write the number: 5"
        case "double": return "write the number: 5.0"
        case "money.minor": return "write it as money.minor('19.99', 'usd')"
        default: return nil
        }
    }

    /// Functions that are prepared for a constant argument.
    private mutating func prepared(
        _ name: String,
        _ nodes: [any EvaluationNode],
        _ arguments: [SyntaxNode],
        _ node: SyntaxNode
    ) -> (any EvaluationNode)? {
        guard name == "matches", nodes.count == 2, case .string(let pattern)? = nodes[1].constant else { return nil }
        do throws(RegexError) {
            return MatchesNode(nodes[0], try Regex.compile(pattern), range: node.range)
        } catch {
            report("expression.regex", error.message, at: arguments.last?.range ?? node.range)
            return FailureNode(
                code: EvaluationError.Code.invalidArgument,
                message: error.message,
                range: node.range
            )
        }
    }

    private mutating func unknownFunction(
        _ name: String,
        _ nameRange: Range<Int>,
        target: DeducedType? = nil
    ) -> Analysis {
        let names = Array(StandardSignatures.byName.keys).filter { !$0.contains("_") } + Self.macroNames
        var hint = nearestName(to: name, among: names).map { "did you mean '\($0)'?" }
        let known = [
            "length": "size()", "len": "size()", "count": "size()", "includes": "contains(…)",
            "toLowerCase": "lowerAscii()", "toUpperCase": "upperAscii()", "lower": "lowerAscii()",
            "upper": "upperAscii()", "toString": "string(x)", "some": "exists(x, …)", "every": "all(x, …)",
            "any": "exists(x, …)", "find": "filter(x, …)",
        ]
        if let word = known[name] { hint = "write \(word)" }
        if name == "not" { hint = "write ! before what is negated" }
        return failed("expression.unknown-function", "there is no function '\(name)'", hint: hint, at: nameRange)
    }

    private mutating func reportNoOverload(
        _ name: String,
        _ nameRange: Range<Int>,
        _ types: [DeducedType],
        target: SyntaxNode?,
        _ arguments: [SyntaxNode]
    ) {
        let signatures = (StandardSignatures.byName[name] ?? []) + declarations.functions.filter { $0.name == name }
        let shown = types.map { show($0) }
        let call =
            target == nil
            ? "\(name)(\(shown.joined(separator: ", ")))"
            : "\(shown[0]).\(name)(\(shown.dropFirst().joined(separator: ", ")))"
        var hint: String?
        let fitting = signatures.filter { $0.isMember == (target != nil) && $0.parameters.count == types.count }
        let nodes = (target.map { [$0] } ?? []) + arguments
        if let only = fitting.first {
            for (position, formal) in only.parameters.enumerated() where hint == nil {
                var trial = substitution
                let parameters = (0..<only.parameterCount).map { _ in trial.fresh() }
                let wanted = formal.instantiated(parameters)
                if !trial.assign(types[position], to: wanted) {
                    var currency = "usd"
                    if name.hasPrefix("money."), case .literal(.string(let code))? = nodes.last?.kind,
                        let known = Currency(code: code)
                    {
                        currency = known.code
                    }
                    let wanted = trial.settle(wanted)
                    hint = conversionHint(from: types[position], to: wanted, nodes[position], currency: currency)
                }
            }
        }
        if name == "contains", let target, arguments.count == 1, case .list = substitution.plain(types[0]) {
            hint = "write \(source(arguments[0].range)) in \(source(target.range))"
        }
        let candidates = (fitting.isEmpty ? signatures : fitting).prefix(4).map(\.description)
        let list = candidates.joined(separator: ", ")
        report(
            "expression.no-overload",
            "there is no \(call); there is \(list)",
            hint: hint,
            at: nameRange
        )
    }

    /// `math.greatest` and `math.least` take any number of numbers, or one list of them.
    private mutating func extremeType(_ name: String, _ types: [DeducedType], _ node: SyntaxNode) -> DeducedType {
        var members = types.map { substitution.plain($0) }
        if members.count == 1, case .list(let element) = members[0] { members = [substitution.plain(element)] }
        let isNumeric = members.allSatisfy { $0.isNumeric || $0.isOpenEnded }
        guard !members.isEmpty, isNumeric else {
            report("expression.no-overload", "'\(name)' takes one or more numbers, or a list of them", at: node.range)
            return .dynamic
        }
        return members.allSatisfy { $0 == members[0] } ? members[0] : .dynamic
    }

    // MARK: has

    private mutating func presence(
        _ arguments: [SyntaxNode],
        _ nameRange: Range<Int>,
        _ node: SyntaxNode
    ) -> Analysis {
        guard arguments.count == 1, case .select(let operand, let field, let fieldRange, false) = arguments[0].kind
        else {
            return failed(
                "expression.macro",
                "has() takes one selection of a field",
                hint: "write has(a.b)",
                at: node.range
            )
        }
        let value = analyze(operand, inChain: arguments[0].path != nil)
        let type = selectedType(value.type, field, fieldRange, needsPresence: false, operand)
        noteReference(arguments[0])
        let presence = PresenceNode(value.node, field: field, isNullAbsent: mayBeNull(type), range: node.range)
        return folded(presence, .bool, over: value.node)
    }
}

extension DeducedType {
    /// The type with a signature's parameters replaced by those of a deduction.
    func instantiated(_ parameters: [DeducedType]) -> DeducedType {
        if case .parameter(let number) = self { return parameters[number] }
        return mapInner { $0.instantiated(parameters) }
    }
}
