/// How large an expression may be.
///
/// Beyond a limit it is refused with a finding.
package struct ExpressionLimits: Sendable, Hashable {
    /// Bytes of the text.
    package var bytes: Int
    /// Nodes of the syntax tree.
    package var nodes: Int
    /// Brackets, calls and conditionals inside one another.
    ///
    /// Bounds the parser's stack.
    package var nesting: Int
    /// Levels of the syntax tree.
    ///
    /// Bounds the stack of everything that walks it: a chain of 150 `+` has 150.
    ///
    /// With these two an optimised build needs less than 512 KB of stack for the worst text, a debug build 4 MB.
    package var height: Int

    package init(bytes: Int = 64 << 10, nodes: Int = 10_000, nesting: Int = 60, height: Int = 150) {
        self.bytes = bytes
        self.nodes = nodes
        self.nesting = nesting
        self.height = height
    }

    package static let standard = ExpressionLimits()
}
