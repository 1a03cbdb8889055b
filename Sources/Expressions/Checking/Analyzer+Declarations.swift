// What declarations say of values besides their types: the only texts of an enum, and decimals, which are texts.
extension Analyzer {
    // MARK: Choices

    /// Warns when a value that takes only some texts is compared with another one.
    mutating func checkChoice(_ type: DeducedType, against other: SyntaxNode, shown: SyntaxNode) {
        let allowed = substitution.resolve(type).facets.allowed
        guard !allowed.isEmpty, case .literal(.string(let text)) = other.kind, !allowed.contains(text) else { return }
        warn(
            "expression.never-equal",
            "\(source(shown.range)) is never '\(text)'",
            hint: choiceHint(text, among: allowed),
            at: other.range
        )
    }

    mutating func checkContainedChoice(
        _ first: DeducedType,
        _ second: DeducedType,
        _ left: SyntaxNode,
        _ right: SyntaxNode
    ) {
        if case .list(let elements) = right.kind {
            for element in elements where !element.isOptional {
                checkChoice(first, against: element.value, shown: left)
            }
        }
        guard case .list(let element) = substitution.plain(second) else { return }
        let allowed = substitution.resolve(element).facets.allowed
        guard !allowed.isEmpty, case .literal(.string(let text)) = left.kind, !allowed.contains(text) else { return }
        warn(
            "expression.never-equal",
            "\(source(right.range)) never holds '\(text)'",
            hint: choiceHint(text, among: allowed),
            at: left.range
        )
    }

    private func choiceHint(_ text: String, among allowed: [String]) -> String {
        if let near = nearestName(to: text, among: allowed) { return "did you mean '\(near)'?" }
        return "there are: " + allowed.prefix(12).joined(separator: ", ") + (allowed.count > 12 ? ", …" : "")
    }

    // MARK: Decimals

    func isDecimal(_ type: DeducedType) -> Bool { substitution.resolve(type).facets.decimal != nil }

    /// Reports decimals that '+' would join as texts; with a text that is no number, that is what was meant.
    mutating func checkJoinedDecimals(
        _ first: DeducedType,
        _ second: DeducedType,
        _ left: SyntaxNode,
        _ right: SyntaxNode,
        at operatorRange: Range<Int>
    ) {
        guard isDecimal(first) || isDecimal(second) else { return }
        guard isDecimal(first) || left.decimalText != nil, isDecimal(second) || right.decimalText != nil else { return }
        report(
            "expression.decimal",
            "'+' joins decimals as texts: '1.50' and '2.00' give '1.502.00'",
            hint: decimalHint(.add, first, second, left, right),
            at: operatorRange
        )
    }

    /// Warns of decimals that may be the same number and two texts.
    mutating func checkEqualDecimals(
        _ operation: SyntaxNode.BinaryOperator,
        _ first: DeducedType,
        _ second: DeducedType,
        _ left: SyntaxNode,
        _ right: SyntaxNode,
        at operatorRange: Range<Int>
    ) {
        let forms = (decimalForm(first, left), decimalForm(second, right))
        guard isDecimal(first) || isDecimal(second), let one = forms.0, let other = forms.1 else { return }
        guard one != .canonical || other != .canonical else { return }
        warn(
            "expression.decimal",
            "'\(operation.rawValue)' compares decimals as texts: '12.5' and '12.50' differ",
            hint: decimalHint(operation, first, second, left, right),
            at: operatorRange
        )
    }

    mutating func checkContainedDecimals(
        _ first: DeducedType,
        _ second: DeducedType,
        _ left: SyntaxNode,
        _ right: SyntaxNode,
        at operatorRange: Range<Int>
    ) {
        var others: [ExpressionType.Facets.Decimal?] = []
        if case .list(let elements) = right.kind {
            others = elements.map { $0.value.decimalText.map { $0.isCanonicalDecimal ? .canonical : .asWritten } }
        }
        var isAnyDecimal = isDecimal(first)
        if case .list(let element) = substitution.plain(second), isDecimal(element) {
            isAnyDecimal = true
            others.append(substitution.resolve(element).facets.decimal)
        }
        let known = others.compactMap { $0 }
        guard isAnyDecimal, let own = decimalForm(first, left), !known.isEmpty else { return }
        guard own != .canonical || known.contains(.asWritten) else { return }
        warn(
            "expression.decimal",
            "'in' compares decimals as texts: '12.5' and '12.50' differ",
            hint: "write double(…) around the decimals where rounding does not matter, or compare in 'where'",
            at: operatorRange
        )
    }

    /// Nil for a value that is no decimal.
    private func decimalForm(_ type: DeducedType, _ node: SyntaxNode) -> ExpressionType.Facets.Decimal? {
        if let text = node.decimalText { return text.isCanonicalDecimal ? .canonical : .asWritten }
        return substitution.resolve(type).facets.decimal
    }

    /// How decimals are computed with; nil when there is none among the operands.
    func decimalHint(
        _ operation: SyntaxNode.BinaryOperator,
        _ first: DeducedType,
        _ second: DeducedType,
        _ left: SyntaxNode,
        _ right: SyntaxNode
    ) -> String? {
        guard isDecimal(first) || isDecimal(second) else { return nil }
        let types = (substitution.plain(first), substitution.plain(second))
        let others = isDecimal(first) ? types.1 : types.0
        guard others == .string || others.isNumeric || others.isOpenEnded else { return nil }
        if operation == .multiply, others == .int {
            let (amount, factor) = isDecimal(first) ? (right, left) : (left, right)
            return "for money write money.scale(\(source(amount.range)), \(source(factor.range)), 'half-even')"
        }
        let sides = (asDouble(left, types.0), asDouble(right, types.1))
        let written = "write \(sides.0) \(operation.rawValue) \(sides.1) where rounding does not matter"
        switch operation {
        case .add, .subtract, .multiply, .divide, .remainder: return "\(written); keep money in minor units, as int"
        default: return "\(written); or compare in 'where'; keep money in minor units, as int"
        }
    }

    private func asDouble(_ node: SyntaxNode, _ type: DeducedType) -> String {
        if let number = node.decimalText { return number.contains(".") ? number : number + ".0" }
        if case .literal(.int(let number)) = node.kind { return "\(number).0" }
        return type == .double ? source(node.range) : "double(\(source(node.range)))"
    }

    /// By what `money.scale` multiplies where the author multiplied with or divided by a constant; nil when no decimal
    /// number does the same.
    func scaleFactor(_ operation: SyntaxNode.BinaryOperator, _ number: SyntaxNode, isDivisor: Bool) -> String? {
        guard operation == .multiply || operation == .divide && isDivisor else { return nil }
        guard case .literal(.double(let value)) = number.kind else { return operation == .multiply ? "0.19" : nil }
        let text = Conversions.numberText(value)
        if operation == .multiply { return DecimalNumber(text) == nil ? nil : text }
        return DecimalNumber(text)?.reciprocal
    }
}

extension SyntaxNode {
    var isLiteral: Bool { if case .literal = kind { true } else { false } }

    /// The text of a literal that is a decimal number.
    var decimalText: String? {
        guard case .literal(.string(let text)) = kind, DecimalNumber(text) != nil else { return nil }
        return text
    }

    /// What to write where a whole number is wanted.
    func wholeHint(_ shown: String, currency: String) -> String? {
        switch kind {
        case .literal(.string(let text)):
            if Int64(text) != nil { return "write int(\(shown))" }
            guard DecimalNumber(text) != nil else { return nil }
            return "amounts are whole numbers of minor units: write money.minor(\(shown), '\(currency)')"
        case .literal(.double(let number)):
            if let whole = Int64(exactly: number) { return "write \(whole)" }
            return "amounts are whole numbers of minor units: write money.minor('\(shown)', '\(currency)')"
        default: return "write int(\(shown))"
        }
    }
}

extension String {
    /// Whether no shorter text is the same decimal number.
    fileprivate var isCanonicalDecimal: Bool {
        guard let number = DecimalNumber(self) else { return false }
        let hasSpareZero = contains(".") && hasSuffix("0")
        let digits = hasPrefix("-") ? dropFirst() : self[...]
        let hasLeadingZero = digits.hasPrefix("0") && digits.utf8.count > 1 && !digits.hasPrefix("0.")
        return !hasSpareZero && !hasLeadingZero && !(number.coefficient == 0 && hasPrefix("-"))
    }
}

extension DecimalNumber {
    /// One divided by the number, when that can be written out in 12 decimals.
    fileprivate var reciprocal: String? {
        guard coefficient != 0 else { return nil }
        var dividend = divisor
        for decimals in 0...12 {
            let (quotient, rest) = dividend.quotientAndRemainder(dividingBy: Int128(coefficient))
            if rest == 0 {
                var digits = String(quotient.magnitude)
                digits = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
                if decimals > 0 { digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -decimals)) }
                return (quotient < 0 ? "-" : "") + digits
            }
            dividend *= 10
        }
        return nil
    }
}
