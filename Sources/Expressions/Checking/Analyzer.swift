/// Checks a parsed expression and builds what is evaluated, in one walk: names become slots, macros loops, parts with
/// constants only their values.
struct Analyzer {
    struct UsedSlot: Sendable {
        /// Position in the declarations.
        let declared: Int
        /// Position in the frame.
        let frame: Int
    }

    /// A variable that a macro binds.
    struct Local {
        let name: String
        let type: DeducedType
        let slot: Int
        /// What computes it when it is first used; nil when the macro sets it.
        var lazyValue: (any EvaluationNode)?
        var cost = 1
    }

    /// What the walk knows of a part.
    struct Analysis {
        var type: DeducedType
        var node: any EvaluationNode
    }

    let text: [UInt8]
    let declarations: Declarations
    let isTraced: Bool
    private(set) var findings: [ExpressionFinding] = []
    private(set) var references: [Expression.Reference] = []
    private(set) var usedSlots: [UsedSlot] = []
    private(set) var slotCount = 0
    var locals: [Local] = []
    var substitution = TypeSubstitution()
    /// Nodes built so far; the difference around a part is its cost.
    private(set) var nodeCount = 0
    /// Chains of selections known to be there, from `has(…)` before `&&` or in a condition.
    var present: Set<[String]> = []
    private let variables: [String: Int]
    private let hasQualifiedNames: Bool
    private var frameSlots: [Int: Int] = [:]

    init(text: String, declarations: Declarations, isTraced: Bool) {
        self.text = Array(text.utf8)
        self.declarations = declarations
        self.isTraced = isTraced
        var variables: [String: Int] = [:]
        for (slot, variable) in declarations.variables.enumerated() { variables[variable.name] = slot }
        self.variables = variables
        self.hasQualifiedNames = !declarations.container.isEmpty || variables.keys.contains { $0.contains(".") }
    }

    mutating func analyze(root: SyntaxNode, expecting: ExpressionType?) -> Analysis {
        var analysis = analyze(root)
        if let expecting, declarations.isChecked {
            let wanted = DeducedType(expecting)
            var trial = substitution
            if trial.assign(analysis.type, to: wanted) {
                substitution = trial
            } else {
                report(
                    "expression.type-mismatch",
                    "the value is \(show(analysis.type)), \(show(wanted)) is expected",
                    hint: conversionHint(from: analysis.type, to: wanted, root),
                    at: root.range
                )
            }
        }
        analysis.type = substitution.settle(analysis.type)
        return analysis
    }

    /// Analyses one part.
    ///
    /// `inChain` is set for the operand of a selection, whose reference is the longer chain.
    mutating func analyze(_ node: SyntaxNode, inChain: Bool = false) -> Analysis {
        nodeCount += 1
        switch node.kind {
        case .literal(let value):
            return made(ConstantNode(value, range: node.range), literalType(value))
        case .identifier, .select, .index: return chain(node, inChain: inChain)
        case .unary(let operation, let operand): return unary(operation, operand, node)
        case .binary(let operation, let operatorRange, let left, let right):
            return binary(operation, operatorRange, left, right, node)
        case .conditional: return conditional(node)
        case .list(let elements): return list(elements, node)
        case .map(let entries): return map(entries, node)
        case .call, .memberCall: return call(node)
        case .structure(let name, _):
            return failed(
                "expression.message",
                "'\(name)' is no type with fields",
                hint: "write a map: {'field': value}",
                at: node.range
            )
        }
    }

    /// The part is done: wrapped when the evaluation is traced.
    func made(_ node: any EvaluationNode, _ type: DeducedType) -> Analysis {
        Analysis(type: type, node: isTraced ? TracingNode(node) : node)
    }

    /// The part is done, and has a constant value when all its parts have one.
    mutating func folded(
        _ node: any EvaluationNode,
        _ type: DeducedType,
        over parts: (any EvaluationNode)...
    ) -> Analysis {
        folded(node, type, over: parts)
    }

    /// `alwaysFails` says what to write instead, where a failure with these constants is a slip.
    mutating func folded(
        _ node: any EvaluationNode,
        _ type: DeducedType,
        over parts: [any EvaluationNode],
        alwaysFails: String? = nil
    ) -> Analysis {
        guard !isTraced, parts.allSatisfy({ $0.constant != nil }) else { return made(node, type) }
        switch Self.result(ofConstant: node) {
        case .success(let value)?: return made(ConstantNode(value, range: node.range), type)
        case .failure(let error)? where error.code != EvaluationError.Code.budgetExceeded:
            if error.code != EvaluationError.Code.noSuchOverload {
                let code = alwaysFails == nil ? "expression.always-fails" : "expression.constant"
                warn(code, "this always fails: \(error.message)", hint: alwaysFails, at: node.range)
            }
            return made(node, type)
        default: return made(node, type)
        }
    }

    /// What a node gives that reads no variable.
    static func result(ofConstant node: any EvaluationNode) -> Result<Value, EvaluationError>? {
        withUnsafeTemporaryAllocation(of: Value?.self, capacity: 1) { buffer in
            guard let slots = buffer.baseAddress else { return nil }
            var frame = Frame(slots: slots, budget: .folding)
            do throws(EvaluationError) {
                return .success(try node.evaluate(&frame))
            } catch {
                return .failure(error)
            }
        }
    }

    /// A slot of the frame for a variable that a macro binds.
    mutating func newSlot() -> Int {
        slotCount += 1
        return slotCount - 1
    }

    private func literalType(_ value: Value) -> DeducedType {
        switch value {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .uint: .uint
        case .double: .double
        case .string: .string
        case .bytes: .bytes
        default: .dynamic
        }
    }
}

// MARK: Findings

extension Analyzer {
    /// Reports a mistake of the types or names; unchecked expressions meet it when they are evaluated.
    mutating func report(_ code: String, _ message: String, hint: String? = nil, at range: Range<Int>) {
        guard declarations.isChecked, findings.count < 50 else { return }
        findings.append(
            ExpressionFinding(code: code, message: message, hint: hint, range: range.clamped(to: 0..<text.count))
        )
    }

    mutating func warn(_ code: String, _ message: String, hint: String? = nil, at range: Range<Int>) {
        guard declarations.isChecked, findings.count < 50 else { return }
        findings.append(
            ExpressionFinding(
                severity: .warning,
                code: code,
                message: message,
                hint: hint,
                range: range.clamped(to: 0..<text.count)
            )
        )
    }

    /// Reports a mistake and gives a part that fails when it is evaluated.
    mutating func failed(_ code: String, _ message: String, hint: String? = nil, at range: Range<Int>) -> Analysis {
        report(code, message, hint: hint, at: range)
        let failure = FailureNode(code: EvaluationError.Code.notCompiled, message: message, range: range)
        return made(failure, .dynamic)
    }

    func source(_ range: Range<Int>) -> String { String(decoding: text[range], as: UTF8.self) }

    func show(_ type: DeducedType) -> String { substitution.settle(type).description }
}

// MARK: Names and selections

extension Analyzer {
    private mutating func chain(_ node: SyntaxNode, inChain: Bool) -> Analysis {
        let analysis: Analysis
        switch node.kind {
        case .identifier(let name, let isRooted): analysis = identifier(name, isRooted: isRooted, node)
        case .select(let operand, let field, let fieldRange, let isOptional):
            analysis = select(operand, field, fieldRange, isOptional: isOptional, node)
        case .index(let operand, let key, let isOptional):
            analysis = index(operand, key, isOptional: isOptional, node)
        default: preconditionFailure("no selection")
        }
        if !inChain { noteReference(node) }
        return analysis
    }

    /// Keeps a chain of constant selections that starts at a declared variable.
    mutating func noteReference(_ node: SyntaxNode) {
        guard let path = node.path, local(path[0]) == nil, isDeclared(path) else { return }
        references.append(Expression.Reference(path: path, range: node.range))
    }

    private func isDeclared(_ path: [String]) -> Bool {
        guard hasQualifiedNames else { return variables[path[0]] != nil }
        return path.indices.contains { variable(named: path[...$0].joined(separator: "."), isRooted: false) != nil }
    }

    func local(_ name: String) -> Local? { locals.last { $0.name == name } }

    /// The declared slot of a name, looked for in the container and each of its parents.
    func variable(named name: String, isRooted: Bool) -> Int? {
        if !isRooted {
            var container = Substring(declarations.container)
            while !container.isEmpty {
                if let slot = variables["\(container).\(name)"] { return slot }
                container = container.lastIndex(of: ".").map { container[..<$0] } ?? ""
            }
        }
        return variables[name]
    }

    private mutating func use(_ declared: Int, _ node: SyntaxNode) -> Analysis {
        let variable = declarations.variables[declared]
        let slot: Int
        if let known = frameSlots[declared] {
            slot = known
        } else {
            slot = newSlot()
            frameSlots[declared] = slot
            usedSlots.append(UsedSlot(declared: declared, frame: slot))
        }
        return made(
            VariableNode(slot: slot, name: variable.name, range: node.range),
            DeducedType(variable.type)
        )
    }

    func use(_ local: Local, at range: Range<Int>) -> Analysis {
        if let value = local.lazyValue {
            if let constant = value.constant { return made(ConstantNode(constant, range: range), local.type) }
            return made(
                LazyVariableNode(slot: local.slot, value: value, cost: local.cost, range: range),
                local.type
            )
        }
        return made(VariableNode(slot: local.slot, name: local.name, range: range), local.type)
    }

    private mutating func identifier(_ name: String, isRooted: Bool, _ node: SyntaxNode) -> Analysis {
        if !isRooted, let local = local(name) { return use(local, at: node.range) }
        if let slot = variable(named: name, isRooted: isRooted) { return use(slot, node) }
        if let type = Self.typeNames[name] {
            return made(ConstantNode(.type(TypeValue(name: type)), range: node.range), .type)
        }
        let known = Array(variables.keys) + locals.map(\.name)
        var hint = nearestName(to: name, among: known).map { "did you mean '\($0)'?" }
        if ["True", "False", "TRUE", "FALSE", "None", "nil", "undefined"].contains(name) {
            hint = "write \(name.lowercased() == "true" ? "true" : name.lowercased() == "false" ? "false" : "null")"
        } else if name == "not" {
            hint = "write ! before what is negated"
        } else if StandardSignatures.byName[name] != nil {
            hint = "'\(name)' is a function: write \(name)(…)"
        } else if hint == nil, !known.isEmpty {
            hint = "known here: " + known.filter { !$0.hasPrefix("@") }.sorted().prefix(12).joined(separator: ", ")
        }
        return failed("expression.unknown-name", "'\(name)' is not known here", hint: hint, at: node.range)
    }

    private static let typeNames: [String: String] = [
        "int": "int", "uint": "uint", "double": "double", "bool": "bool", "string": "string", "bytes": "bytes",
        "list": "list", "map": "map", "null_type": "null_type", "type": "type", "optional_type": "optional_type",
        "google.protobuf.Timestamp": "google.protobuf.Timestamp",
        "google.protobuf.Duration": "google.protobuf.Duration",
    ]

    /// The name with dots that a chain of plain selections spells, and whether it starts with a dot.
    func qualifiedName(_ node: SyntaxNode) -> (name: String, root: String, isRooted: Bool)? {
        switch node.kind {
        case .identifier(let name, let isRooted): return (name, name, isRooted)
        case .select(let operand, let field, _, false):
            guard let operand = qualifiedName(operand) else { return nil }
            return (operand.name + "." + field, operand.root, operand.isRooted)
        default: return nil
        }
    }

    private mutating func select(
        _ operand: SyntaxNode,
        _ field: String,
        _ fieldRange: Range<Int>,
        isOptional: Bool,
        _ node: SyntaxNode
    ) -> Analysis {
        if let qualified = qualifiedName(node), qualified.isRooted || local(qualified.root) == nil {
            if hasQualifiedNames, let slot = variable(named: qualified.name, isRooted: qualified.isRooted) {
                return use(slot, node)
            }
            if let type = Self.typeNames[qualified.name] {
                return made(ConstantNode(.type(TypeValue(name: type)), range: node.range), .type)
            }
        }
        let value = analyze(operand, inChain: node.path != nil)
        let isKnown = isOptional || (!present.isEmpty && node.path.map { present.contains($0) } ?? false)
        var type = selectedType(value.type, field, fieldRange, needsPresence: !isKnown, operand)
        let isChained = if case .optional = substitution.plain(value.type) { true } else { false }
        let isNullable = mayBeNull(type)
        if isOptional, !isChained { type = .optional(type) }
        type = withoutNull(type)
        if !isOptional, !isTraced, !(isChained && isNullable),
            let path = PathNode(value.node, field: field, range: node.range)
        {
            return made(path, type)
        }
        return folded(
            SelectNode(
                value.node,
                field: field,
                isOptional: isOptional,
                isNullAbsent: isNullable,
                range: node.range
            ),
            type,
            over: value.node
        )
    }

    private mutating func index(
        _ operand: SyntaxNode,
        _ key: SyntaxNode,
        isOptional: Bool,
        _ node: SyntaxNode
    ) -> Analysis {
        let value = analyze(operand, inChain: node.path != nil)
        let keyValue = analyze(key)
        var type = indexedType(value.type, key, keyValue.type, needsPresence: !isOptional, operand)
        let isNullable = mayBeNull(type)
        if isOptional {
            if case .optional = substitution.plain(value.type) {} else { type = .optional(type) }
        }
        type = withoutNull(type)
        return folded(
            IndexNode(
                value.node,
                key: keyValue.node,
                isOptional: isOptional,
                isNullAbsent: isNullable,
                range: node.range
            ),
            type,
            over: value.node,
            keyValue.node
        )
    }
}

/// Records what a part gave when the evaluation is traced.
final class TracingNode: EvaluationNode {
    private let inner: any EvaluationNode
    var range: Range<Int> { inner.range }

    init(_ inner: any EvaluationNode) { self.inner = inner }

    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value {
        do throws(EvaluationError) {
            let value = try inner.evaluate(&frame)
            frame.record(.success(value), at: range)
            return value
        } catch {
            frame.record(.failure(error), at: range)
            throw error
        }
    }
}

extension Frame {
    /// Keeps at most a thousand entries: enough to read, bounded for loops.
    fileprivate mutating func record(_ result: Result<Value, EvaluationError>, at range: Range<Int>) {
        guard let count = trace?.count, count < 1000 else { return }
        trace?.append(Expression.TraceEntry(range: range, result: result))
    }
}
