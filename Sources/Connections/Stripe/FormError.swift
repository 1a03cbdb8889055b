/// Why a value cannot be written as a form, or a form cannot be read.
///
/// Quotes no value.
package struct FormError: Error, Hashable, CustomStringConvertible {
    /// What is wrong.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// A value of a kind that forms have no notation for.
        case unsupportedKind
        /// A key that is no text, is empty, or holds a bracket, which would change where the value goes.
        case malformedKey
        /// More than ``StripeForm/depthMax`` levels.
        case tooDeep
        /// More than ``StripeForm/bytesMax`` bytes or ``StripeForm/pairsMax`` pairs.
        case tooLarge
        /// A percent sign without two hexadecimal digits, or bytes that are not UTF-8.
        case malformedEncoding
        /// One key stands for a text and for a list or a map, or for two texts.
        case conflictingKeys
    }

    /// What is wrong.
    package let code: Code
    /// The parameter, as `a[b][0]`; empty where it is not known.
    ///
    /// Keys are the author's, so they may be shown.
    package let parameter: String
    private let explanation: String

    init(_ code: Code, _ explanation: String, at parameter: String = "") {
        self.code = code
        self.parameter = String(parameter.prefix(200))
        self.explanation = explanation
    }

    /// Parameter and explanation: `metadata[a]: bytes cannot be sent in a form`.
    package var description: String { parameter.isEmpty ? explanation : "\(parameter): \(explanation)" }
}
