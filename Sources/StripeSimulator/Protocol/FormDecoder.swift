/// A decoded form: texts in nested hashes.
///
/// What is an array is decided by the parameter's shape.
enum FormValue: Sendable, Equatable {
    case text(String)
    case hash([(key: String, value: FormValue)])

    static func == (left: FormValue, right: FormValue) -> Bool {
        switch (left, right) {
        case (.text(let left), .text(let right)): left == right
        case (.hash(let left), .hash(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.key == $1.key && $0.value == $1.value }
        default: false
        }
    }
}

/// Decodes `application/x-www-form-urlencoded` texts with Stripe's brackets: `a[b]=c`, `a[0]=b`, `a[]=b`.
struct FormDecoder {
    /// More than any official client sends in one call.
    static let maximumPairs = 4_000
    /// Stripe's deepest parameter has 6 levels.
    static let maximumDepth = 12

    private var root: [(key: String, value: FormValue)] = []

    /// Decodes a query or a body.
    ///
    /// Throws: a `StripeError` for broken percent escapes, text that is not UTF-8, contradicting keys and exceeded
    /// bounds.
    static func decode(_ text: some Collection<UInt8>) throws(StripeError) -> [(key: String, value: FormValue)] {
        var decoder = FormDecoder()
        var pairs = 0
        for pair in text.split(separator: UInt8(ascii: "&")) {
            pairs += 1
            guard pairs <= maximumPairs else { throw StripeError("Too many parameters in the request.") }
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let key = try unescape(parts[0])
            let value = parts.count > 1 ? try unescape(parts[1]) : ""
            let path = try path(of: key)
            try insert(.text(value), at: path[...], into: &decoder.root, name: key)
        }
        return decoder.root
    }

    /// Reads the JSON body of an operation of /v2 as the form that would say the same.
    static func decodeJSON(_ body: [UInt8]) throws(StripeError) -> [(key: String, value: FormValue)] {
        guard !body.isEmpty else { return [] }
        let value: JSONValue
        do throws(JSONParser.Failure) {
            value = try JSONParser.value(of: body)
        } catch {
            throw StripeError("Invalid request: the JSON is wrong at byte \(error.offset): \(error.reason).")
        }
        guard let object = value.object else { throw StripeError("Invalid request: the body is not a JSON object.") }
        return object.members.map { ($0.key, formValue($0.value)) }
    }

    private static func formValue(_ value: JSONValue) -> FormValue {
        switch value {
        case .null: .text("")
        case .bool(let flag): .text(flag ? "true" : "false")
        case .int(let number): .text(String(number))
        case .double(let number): .text("\(number)")
        case .string(let text): .text(text)
        case .array(let elements): .hash(elements.enumerated().map { (String($0.offset), formValue($0.element)) })
        case .object(let object): .hash(object.members.map { ($0.key, formValue($0.value)) })
        }
    }

    /// Turns percent escapes and plus signs into text.
    static func unescape(_ bytes: some Collection<UInt8>) throws(StripeError) -> String {
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var iterator = bytes.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "+"): plain.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(hexadecimal), let low = iterator.next().flatMap(hexadecimal)
                else { throw StripeError("Invalid request: a percent escape is broken.") }
                plain.append(high << 4 | low)
            default: plain.append(byte)
            }
        }
        guard let text = String(validating: plain, as: UTF8.self) else {
            throw StripeError("Invalid request: the parameters are not valid UTF-8.")
        }
        return text
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }

    private static func path(of key: String) throws(StripeError) -> [String] {
        guard let open = key.firstIndex(of: "[") else { return [key] }
        var path = [String(key[..<open])]
        var rest = key[open...]
        while let first = rest.first {
            guard first == "[", let close = rest.firstIndex(of: "]") else {
                throw StripeError("Invalid request: the brackets of a parameter's name do not match.")
            }
            path.append(String(rest[rest.index(after: rest.startIndex)..<close]))
            rest = rest[rest.index(after: close)...]
            guard path.count <= maximumDepth else { throw StripeError("Invalid request: too deeply nested.") }
        }
        return path
    }

    private static func insert(
        _ value: FormValue,
        at path: ArraySlice<String>,
        into hash: inout [(key: String, value: FormValue)],
        name: String
    ) throws(StripeError) {
        guard var key = path.first else { return }
        let rest = path.dropFirst()
        if key.isEmpty, path.startIndex > 0 { key = nextIndex(in: hash, for: rest.first) }
        guard let index = hash.firstIndex(where: { $0.key == key }) else {
            if rest.isEmpty {
                hash.append((key, value))
            } else {
                var inner: [(key: String, value: FormValue)] = []
                try insert(value, at: rest, into: &inner, name: name)
                hash.append((key, .hash(inner)))
            }
            return
        }
        if rest.isEmpty {
            hash[index].value = value  // the last of equal names counts
            return
        }
        guard case .hash(var inner) = hash[index].value else {
            throw StripeError(param: path.first, "Invalid request: `\(name)` is both a value and a hash.")
        }
        hash[index].value = .text("")
        try insert(value, at: rest, into: &inner, name: name)
        hash[index].value = .hash(inner)
    }

    /// The index that `[]` stands for: the last element while it has no such member yet, else a new one.
    private static func nextIndex(in hash: [(key: String, value: FormValue)], for member: String?) -> String {
        if let member, let last = hash.last, case .hash(let inner) = last.value,
            !inner.contains(where: { $0.key == member })
        {
            return last.key
        }
        return String(hash.count)
    }
}
