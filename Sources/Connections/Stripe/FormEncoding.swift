package import Expressions

/// Stripe's form notation: `a=1&b[c]=x&list[0]=y`, as its official clients write it.
///
/// Every byte but RFC 3986's unreserved ones is percent-encoded; only the brackets of the notation itself stand as
/// they are. Null is an empty value, which unsets a parameter; an empty list or map and an absent optional leave no
/// trace.
package enum StripeForm {
    /// The most levels of lists and maps within each other.
    package static let depthMax = 32
    /// The most pairs of one form.
    package static let pairsMax = 10_000
    /// The most bytes of an encoded form.
    ///
    /// Stripe refuses far smaller ones.
    package static let bytesMax = 1 << 20

    /// Writes a map as a form.
    ///
    /// A timestamp becomes seconds since 1970, rounded down; a double that is a whole number has no point.
    ///
    /// - Throws: `FormError`, naming the parameter.
    package static func encode(_ value: Value) throws(FormError) -> String {
        guard case .map(let map) = value else {
            throw FormError(
                .unsupportedKind,
                "a form is written from a map, not from a value of kind \(value.kindName)"
            )
        }
        return try encode(map)
    }

    /// Writes the entries of a map as a form, in the map's order.
    ///
    /// - Throws: `FormError`, naming the parameter.
    package static func encode(_ map: ValueMap) throws(FormError) -> String {
        var writer = FormWriter()
        for (key, value) in map {
            let name = try FormWriter.name(of: key, at: "")
            try writer.write(value, as: FormWriter.percentEncoded(name), depth: 1)
        }
        return String(decoding: writer.text, as: UTF8.self)
    }
}

private struct FormWriter {
    private(set) var text: [UInt8] = []
    private var pairs = 0

    /// Writes a value under a key that is percent-encoded already.
    mutating func write(_ value: Value, as key: [UInt8], depth: Int) throws(FormError) {
        guard depth <= StripeForm.depthMax else {
            throw FormError(.tooDeep, "more than \(StripeForm.depthMax) levels", at: Self.shown(key))
        }
        switch value {
        case .null: try pair(key, "")
        case .bool(let value): try pair(key, value ? "true" : "false")
        case .int(let value): try pair(key, String(value))
        case .uint(let value): try pair(key, String(value))
        case .double(let value): try pair(key, Self.decimal(value, at: key))
        case .string(let value): try pair(key, value)
        case .timestamp(let value): try pair(key, String(value.seconds))
        case .optional(let value):
            if let value = value.value { try write(value, as: key, depth: depth + 1) }
        case .list(let elements):
            for (index, element) in elements.enumerated() {
                try write(element, as: Self.member(String(index), of: key), depth: depth + 1)
            }
        case .map(let map):
            for (name, element) in map {
                let name = try Self.name(of: name, at: Self.shown(key))
                try write(element, as: Self.member(name, of: key), depth: depth + 1)
            }
        case .bytes, .duration, .type:
            throw FormError(
                .unsupportedKind,
                "a value of kind \(value.kindName) cannot be sent in a form",
                at: Self.shown(key)
            )
        }
    }

    private mutating func pair(_ key: [UInt8], _ value: String) throws(FormError) {
        pairs += 1
        // Counted before encoding, which can treble it: what is far too large is not even written.
        guard pairs <= StripeForm.pairsMax, text.count + key.count + value.utf8.count < StripeForm.bytesMax else {
            throw FormError(.tooLarge, "the parameters are too many or too large for one request")
        }
        if !text.isEmpty { text.append(UInt8(ascii: "&")) }
        text += key
        text.append(UInt8(ascii: "="))
        text += Self.percentEncoded(value)
        guard text.count <= StripeForm.bytesMax else {
            throw FormError(.tooLarge, "the parameters are too large for one request")
        }
    }

    private static func member(_ name: String, of key: [UInt8]) -> [UInt8] {
        key + [UInt8(ascii: "[")] + percentEncoded(name) + [UInt8(ascii: "]")]
    }

    /// The text of a map's key; a bracket in it would make another parameter of it.
    static func name(of key: MapKey, at place: String) throws(FormError) -> String {
        guard case .string(let name) = key, !name.isEmpty else {
            throw FormError(.malformedKey, "a parameter's name must be a text, and not empty", at: place)
        }
        guard !name.utf8.contains(UInt8(ascii: "[")), !name.utf8.contains(UInt8(ascii: "]")) else {
            let hint = "a parameter's name cannot hold [ or ]; write a map within the map"
            throw FormError(.malformedKey, hint, at: place.isEmpty ? name : "\(place)[\(name)]")
        }
        return name
    }

    static func percentEncoded(_ text: String) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return bytes
    }

    private static func shown(_ key: [UInt8]) -> String { String(decoding: key, as: UTF8.self) }

    /// A number in plain decimal notation: Stripe takes neither an exponent nor `1.0` for a whole number.
    private static func decimal(_ value: Double, at key: [UInt8]) throws(FormError) -> String {
        guard value.isFinite else {
            throw FormError(.unsupportedKind, "a number that is not finite cannot be sent in a form", at: shown(key))
        }
        var text = "\(abs(value))"
        if let mark = text.firstIndex(of: "e") {
            let exponent = Int(text[text.index(after: mark)...]) ?? 0
            text = shifted(String(text[..<mark]), by: exponent)
        }
        if text.hasSuffix(".0") { text.removeLast(2) }
        return value < 0 ? "-" + text : text
    }

    /// Moves the point of `d.ddd` by so many places; at most 324 for a double.
    private static func shifted(_ digits: String, by places: Int) -> String {
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        var whole = String(parts[0])
        var fraction = parts.count > 1 && parts[1] != "0" ? String(parts[1]) : ""
        if places >= 0 {
            fraction += String(repeating: "0", count: max(0, places - fraction.count))
            whole += fraction.prefix(places)
            fraction = String(fraction.dropFirst(places))
        } else {
            fraction = String(repeating: "0", count: -places - 1) + whole + fraction
            whole = "0"
        }
        return fraction.isEmpty ? whole : "\(whole).\(fraction)"
    }
}
