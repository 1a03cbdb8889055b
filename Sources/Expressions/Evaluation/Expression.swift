/// A compiled expression: parsed, checked and resolved once, evaluated as often as wished, from any thread.
///
/// A reference, since flows hand it from part to part.
package final class Expression: Sendable {
    /// The text it was compiled from.
    package let text: String
    /// The type of its value.
    package let type: ExpressionType
    /// The longest chains of constant selections from declared variables, in the order of the text.
    package let references: [Reference]

    private let root: any EvaluationNode
    /// The declared slots that are used, each with its slot inside a frame.
    private let usedSlots: [Analyzer.UsedSlot]
    private let slotCount: Int

    private init(
        text: String,
        type: ExpressionType,
        references: [Reference],
        root: any EvaluationNode,
        usedSlots: [Analyzer.UsedSlot],
        slotCount: Int
    ) {
        self.text = text
        self.type = type
        self.references = references
        self.root = root
        self.usedSlots = usedSlots
        self.slotCount = slotCount
    }

    /// A use of a declared variable: `blocks.order.total` has the path blocks, order, total.
    package struct Reference: Sendable, Hashable {
        package let path: [String]
        /// UTF-8 offsets in the text.
        package let range: Range<Int>
    }

    /// What compiling gave: an expression, or findings that say why there is none.
    package struct Compilation: Sendable {
        /// Nil when there is a finding of severity error.
        package let expression: Expression?
        package let type: ExpressionType
        /// The type as CEL writes it, with opaque types by their names.
        package let deducedType: String
        /// In the order of the text.
        package let findings: [ExpressionFinding]
        /// Nil when the text cannot be parsed.
        package let syntax: SyntaxNode?
        /// As far as the text could be resolved; also there when `expression` is not.
        package let references: [Reference]
    }

    /// What one part of an expression gave in a traced evaluation.
    package struct TraceEntry: Sendable {
        /// UTF-8 offsets in the text.
        package let range: Range<Int>
        package let result: Result<Value, EvaluationError>
    }

    /// Parses, checks and resolves an expression.
    ///
    /// - Parameters:
    ///   - text: Its source; ranges are UTF-8 offsets in it.
    ///   - declarations: What it may name; a variable's position is its slot.
    ///   - expecting: The type that its value must have; a finding says so when it has not.
    /// - Returns: Findings with places inside the text, and the expression when none of them is an error.
    package static func compile(
        _ text: String,
        declarations: Declarations,
        expecting: ExpressionType? = nil
    ) -> Compilation {
        compile(text, declarations: declarations, expecting: expecting, isTraced: false)
    }

    private static func compile(
        _ text: String,
        declarations: Declarations,
        expecting: ExpressionType?,
        isTraced: Bool
    ) -> Compilation {
        let syntax: SyntaxNode
        do throws(SyntaxFault) {
            syntax = try Parser.parse(text, limits: declarations.limits)
        } catch {
            let finding = error.finding(within: text.utf8.count)
            return Compilation(
                expression: nil,
                type: .dynamic,
                deducedType: "dyn",
                findings: [finding],
                syntax: nil,
                references: []
            )
        }
        var analyzer = Analyzer(text: text, declarations: declarations, isTraced: isTraced)
        let analysis = analyzer.analyze(root: syntax, expecting: expecting)
        let findings = analyzer.findings.sorted {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        let references = analyzer.references.sorted { $0.range.lowerBound < $1.range.lowerBound }
        let type = analysis.type.expressionType
        var expression: Expression?
        if !findings.contains(where: { $0.severity == .error }) {
            expression = Expression(
                text: text,
                type: type,
                references: references,
                root: analysis.node,
                usedSlots: analyzer.usedSlots,
                slotCount: analyzer.slotCount
            )
        }
        return Compilation(
            expression: expression,
            type: type,
            deducedType: analysis.type.description,
            findings: findings,
            syntax: syntax,
            references: references
        )
    }

    /// Computes the value.
    ///
    /// - Parameters:
    ///   - scope: Gives the value of a declared variable by its slot, or nil when it is not there. Asked at most once
    ///     for each variable used.
    ///   - budget: What the evaluation may use up.
    ///   - meter: Is told what it used.
    /// - Returns: The value, of the expression's type unless that is dynamic.
    /// - Throws: `EvaluationError` with the place of the part that failed. Nothing else has happened.
    package func evaluate(
        in scope: borrowing some EvaluationScope,
        budget: EvaluationBudget = .standard,
        meter: EvaluationMeter? = nil
    ) throws(EvaluationError) -> Value {
        if let constant = root.constant { return constant }
        var trace: [TraceEntry]?
        return try run(in: scope, budget: budget, meter: meter, trace: &trace).get()
    }

    /// Evaluates and tells what each part gave, inner parts first; for `runnel eval --explain`.
    package static func explain(
        _ text: String,
        declarations: Declarations,
        in scope: borrowing some EvaluationScope,
        budget: EvaluationBudget = .standard
    ) -> (compilation: Compilation, result: Result<Value, EvaluationError>?, trace: [TraceEntry]) {
        let compilation = compile(text, declarations: declarations, expecting: nil, isTraced: true)
        guard let expression = compilation.expression else { return (compilation, nil, []) }
        var trace: [TraceEntry]? = []
        let result = expression.run(in: scope, budget: budget, trace: &trace)
        return (compilation, result, trace ?? [])
    }

    private func run(
        in scope: borrowing some EvaluationScope,
        budget: EvaluationBudget,
        meter: EvaluationMeter? = nil,
        trace: inout [TraceEntry]?
    ) -> Result<Value, EvaluationError> {
        let scope = copy scope
        return withUnsafeTemporaryAllocation(of: Value?.self, capacity: slotCount + 1) { buffer in
            guard let slots = buffer.baseAddress else { return .failure(Frame.exhausted) }
            slots.initialize(repeating: nil, count: slotCount + 1)
            for used in usedSlots { slots[used.frame] = scope.value(at: used.declared) }
            defer { slots.deinitialize(count: slotCount + 1) }
            var frame = Frame(slots: slots, budget: budget)
            frame.trace = trace
            defer {
                trace = frame.trace
                meter?.add(budget.steps - frame.stepsLeft)
            }
            do throws(EvaluationError) {
                let value = try root.evaluate(&frame)
                guard value.isWithin(budget.values) else {
                    throw Frame.exhausted
                }
                return .success(value)
            } catch {
                return .failure(error.placed(at: root.range))
            }
        }
    }
}

/// Gives an evaluation its variables.
package protocol EvaluationScope {
    /// The value of the declared variable of that slot, or nil when it is not there.
    func value(at slot: Int) -> Value?
}

/// Values by slot.
package struct Bindings: EvaluationScope {
    private let values: [Value?]

    package init(_ values: [Value?]) { self.values = values }

    package func value(at slot: Int) -> Value? { values.indices.contains(slot) ? values[slot] : nil }
}

extension Value {
    /// Whether the value, written out, has at most so many values in it.
    ///
    /// Stops counting when it has more: shared parts can make a small graph an enormous tree.
    func isWithin(_ limit: Int) -> Bool {
        switch self {
        case .list, .map, .optional:
            var left = limit
            return countDown(&left)
        default: return true
        }
    }

    private func countDown(_ left: inout Int) -> Bool {
        left -= 1
        if left < 0 { return false }
        switch self {
        case .list(let elements):
            for element in elements where !element.countDown(&left) { return false }
        case .map(let map):
            for (_, value) in map where !value.countDown(&left) { return false }
        case .optional(let optional):
            if let value = optional.value { return value.countDown(&left) }
        default: break
        }
        return true
    }
}
