import Expressions

/// What a code block sees, evaluated.
struct CodeScope: Sendable {
    var args: ValueMap
    var input: Value
    var trigger: Value
    var variables: ValueMap
    var run: Value
}
