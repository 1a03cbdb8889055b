import Synchronization

/// Why an expression gave no value: a fault in the data, or a budget that ran out.
///
/// Evaluation has no effects.
package struct EvaluationError: Error, Hashable, CustomStringConvertible {
    /// `no_such_key`, `no_such_overload`, `divide_by_zero`, `overflow`, `budget_exceeded`, … See ``Code``.
    package let code: String
    /// Names kinds, keys and numbers; never quotes a value of the data.
    package let message: String
    /// UTF-8 offsets of the part of the expression that failed.
    package private(set) var range: Range<Int>
    private var isPlaced: Bool

    /// The codes that evaluation uses.
    package enum Code {
        /// A map has no such key, or a list no such position.
        package static let noSuchKey = "no_such_key"
        /// An operator or function does not take these kinds.
        package static let noSuchOverload = "no_such_overload"
        /// A declared variable has no value here.
        package static let noSuchVariable = "no_such_variable"
        /// A division or remainder by zero.
        package static let divideByZero = "divide_by_zero"
        /// A number, time or span beyond its range.
        package static let overflow = "overflow"
        /// An argument that the function does not accept: a malformed text, an index, a pattern.
        package static let invalidArgument = "invalid_argument"
        /// `value()` of an absent optional.
        package static let noValue = "no_value"
        /// The steps, bytes or values allowed were used up.
        package static let budgetExceeded = "budget_exceeded"
        /// The expression was not compiled without errors.
        package static let notCompiled = "not_compiled"
    }

    package init(code: String, message: String, range: Range<Int>) {
        self.code = code
        self.message = message
        self.range = range
        self.isPlaced = true
    }

    /// An error whose place the calling node knows.
    init(_ code: String, _ message: String) {
        self.code = code
        self.message = message
        self.range = 0..<0
        self.isPlaced = false
    }

    /// Gives the place unless a deeper node did.
    func placed(at range: Range<Int>) -> EvaluationError {
        if isPlaced { return self }
        var copy = self
        copy.range = range
        copy.isPlaced = true
        return copy
    }

    package var description: String { "\(code): \(message)" }

    static func noOverload(_ function: String, _ arguments: Value...) -> EvaluationError {
        noOverload(function, arguments)
    }

    static func noOverload(_ function: String, _ arguments: [Value]) -> EvaluationError {
        let kinds = arguments.map(\.kindName).joined(separator: ", ")
        return EvaluationError(Code.noSuchOverload, "'\(function)' does not take (\(kinds))")
    }

    static func overflow(_ what: String) -> EvaluationError {
        EvaluationError(Code.overflow, "\(what) is out of range")
    }

    static func invalid(_ message: String) -> EvaluationError { EvaluationError(Code.invalidArgument, message) }
}

/// Adds up the steps that evaluations used, for those who share a thread with others.
package final class EvaluationMeter: Sendable {
    private let used = Atomic<Int>(0)

    package init() {}

    package var steps: Int { used.load(ordering: .relaxed) }
    package func reset() { used.store(0, ordering: .relaxed) }

    func add(_ steps: Int) {
        if steps > 0 { used.add(steps, ordering: .relaxed) }
    }
}

/// What one evaluation may use up.
///
/// Beyond it, evaluation ends with `budget_exceeded`.
package struct EvaluationBudget: Sendable, Hashable {
    /// Nodes evaluated inside comprehensions, elements copied or compared, and 64-byte pieces of text worked through.
    package var steps: Int
    /// Bytes of text and bytes made.
    package var bytes: Int
    /// Values in the result, counted as its JSON would show them.
    package var values: Int

    package init(steps: Int = 2_000_000, bytes: Int = 16 << 20, values: Int = 1_000_000) {
        self.steps = steps
        self.bytes = bytes
        self.values = values
    }

    package static let standard = EvaluationBudget()
    /// For parts that have only constants, evaluated once when an expression is compiled.
    static let folding = EvaluationBudget(steps: 1000, bytes: 4096, values: 64)
}
