/// Decimal numbers as text: `-?digits[.digits]`, without exponent.
///
/// The canonical form has no needless zeros and no `-0`, so equal numbers are equal texts.
enum DecimalText {
    /// Characters of a decimal at most.
    static let lengthLimit = 256

    /// The canonical form, or nil when the text is no decimal.
    static func canonical(_ text: String) -> String? {
        var digits = Array(text.utf8)
        guard digits.count <= lengthLimit else { return nil }
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits.removeFirst() }
        let parts = digits.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, !whole.isEmpty, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        guard parts.allSatisfy({ $0.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") } }) else {
            return nil
        }

        var integer = whole.drop { $0 == UInt8(ascii: "0") }
        if integer.isEmpty { integer = whole.suffix(1) }
        var fraction = parts.count == 2 ? parts[1] : []
        while fraction.last == UInt8(ascii: "0") { fraction.removeLast() }
        let isZero = fraction.isEmpty && integer.elementsEqual([UInt8(ascii: "0")])

        var result: [UInt8] = isNegative && !isZero ? [UInt8(ascii: "-")] : []
        result += integer
        if !fraction.isEmpty { result += [UInt8(ascii: ".")] + fraction }
        return String(decoding: result, as: UTF8.self)
    }

    /// Orders two canonical decimals by their value: negative, zero or positive.
    static func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int32 {
        let isLeftNegative = left.first == UInt8(ascii: "-")
        let isRightNegative = right.first == UInt8(ascii: "-")
        if isLeftNegative != isRightNegative { return isLeftNegative ? -1 : 1 }
        let order = compareMagnitudes(left.dropFirst(isLeftNegative ? 1 : 0), right.dropFirst(isRightNegative ? 1 : 0))
        return isLeftNegative ? -order : order
    }

    private static func compareMagnitudes(
        _ left: Slice<UnsafeRawBufferPointer>,
        _ right: Slice<UnsafeRawBufferPointer>
    ) -> Int32 {
        let point = UInt8(ascii: ".")
        let leftWhole = left.prefix { $0 != point }
        let rightWhole = right.prefix { $0 != point }
        if leftWhole.count != rightWhole.count { return leftWhole.count < rightWhole.count ? -1 : 1 }
        // From here on digits of equal weight stand at equal places, and the longer text has more of a fraction.
        if left.lexicographicallyPrecedes(right) { return -1 }
        return right.lexicographicallyPrecedes(left) ? 1 : 0
    }
}
