/// The state of one evaluation: the values of variables and what is left of the budget.
struct Frame {
    /// Values of the variables used, then of those that macros bind.
    ///
    /// Valid during the evaluation only.
    let slots: UnsafeMutablePointer<Value?>
    private var steps: Int
    private var bytes: Int
    /// What each node gave, when the evaluation is traced.
    var trace: [Expression.TraceEntry]?

    init(slots: UnsafeMutablePointer<Value?>, budget: EvaluationBudget) {
        self.slots = slots
        self.steps = budget.steps
        self.bytes = budget.bytes
    }

    /// Where the value of a slot is, or nil when it has none.
    @inline(__always)
    static func place(of slot: Int, in slots: UnsafeMutablePointer<Value?>) -> UnsafePointer<Value>? {
        if case .none = slots[slot] { return nil }
        // An optional that has a value lies in memory as the value does; `Iteration` counts on it too.
        return UnsafeRawPointer(slots + slot).assumingMemoryBound(to: Value.self)
    }

    /// Uses up steps.
    @inline(__always)
    mutating func charge(_ count: Int) throws(EvaluationError) {
        steps -= count
        if steps < 0 { throw Self.exhausted }
    }

    /// Uses up steps for working through text or bytes.
    @inline(__always)
    mutating func charge(reading count: Int) throws(EvaluationError) {
        if count >= 64 { try charge(count >> 6) }
    }

    /// Uses up bytes for text or bytes that are made.
    mutating func charge(making count: Int) throws(EvaluationError) {
        bytes -= count
        if bytes < 0 { throw Self.exhausted }
        try charge(reading: count)
    }

    var stepsLeft: Int { steps }

    static var exhausted: EvaluationError {
        EvaluationError(EvaluationError.Code.budgetExceeded, "the evaluation used up its budget")
    }
}

/// A piece of a compiled expression.
protocol EvaluationNode: AnyObject, Sendable {
    /// UTF-8 offsets in the expression's text.
    var range: Range<Int> { get }
    /// The value, when it is the same in every evaluation.
    var constant: Value? { get }
    func evaluate(_ frame: inout Frame) throws(EvaluationError) -> Value
}

extension EvaluationNode {
    var constant: Value? { nil }
}
