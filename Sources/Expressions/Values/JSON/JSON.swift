/// JSON text to values and back, with no tree between.
///
/// Integers become `int` within 64 bits, anything beyond is an error; numbers with a point or an exponent become
/// `double`. Repeated keys are refused.
package enum JSON {
    /// Reads one JSON document.
    ///
    /// - Throws: `JSONError` with the byte offset of the first fault, or of the first value beyond a limit.
    package static func parse(
        _ bytes: some Collection<UInt8>,
        limits: JSONLimits = .standard
    ) throws(JSONError) -> Value {
        try parse(bytes, limits: limits, isExact: false)
    }

    /// Reads one JSON document.
    ///
    /// See ``parse(_:limits:)``.
    package static func parse(_ text: String, limits: JSONLimits = .standard) throws(JSONError) -> Value {
        try parse(text.utf8, limits: limits, isExact: false)
    }

    /// Reads what ``encodeExact(_:)`` wrote: the same value comes back.
    package static func parseExact(
        _ bytes: some Collection<UInt8>,
        limits: JSONLimits = .journal
    ) throws(JSONError) -> Value {
        try parse(bytes, limits: limits, isExact: true)
    }

    /// Compact plain JSON, keys in the map's order.
    ///
    /// Timestamps become RFC 3339 text, durations `"1.5s"`, bytes base64, uints numbers, keys text.
    ///
    /// - Throws: `.notJSON` for NaN, infinities, types and optionals; `.tooLarge` beyond the limits.
    package static func encode(_ value: Value, limits: JSONLimits = .standard) throws(JSONError) -> [UInt8] {
        var encoder = JSONEncoder(style: .plain, limits: limits)
        try encoder.write(value, depth: 0)
        return encoder.output.bytes
    }

    /// Plain JSON with two spaces of indentation.
    ///
    /// See ``encode(_:limits:)``.
    package static func encodePretty(_ value: Value, limits: JSONLimits = .standard) throws(JSONError) -> String {
        var encoder = JSONEncoder(style: .pretty, limits: limits)
        try encoder.write(value, depth: 0)
        return String(decoding: encoder.output.bytes, as: UTF8.self)
    }

    /// Lossless JSON for the journal: ``parseExact(_:limits:)`` gives the same value back.
    ///
    /// Doubles always have a point or an exponent. What JSON lacks is an object with one key that starts with `$`:
    /// `$uint`, `$bytes` (base64), `$timestamp`, `$duration`, `$double` (NaN and infinities), `$type`, `$optional`,
    /// and `$map` (pairs) for maps with other keys than text or with a key that starts with `$`.
    package static func encodeExact(_ value: Value) -> [UInt8] {
        var encoder = JSONEncoder(style: .exact, limits: .unbounded)
        // The exact form has a spelling for every value and no limit, so nothing is left that could throw.
        do { try encoder.write(value, depth: 0) } catch { preconditionFailure("exact JSON refused a value: \(error)") }
        return encoder.output.bytes
    }

    /// Lends what ``encodeExact(_:)`` gives to `body`; nil when there is more to write than the limits allow.
    package static func withExact<Result>(
        _ value: Value,
        limits: JSONLimits,
        _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) -> Result? {
        var encoder = JSONEncoder(style: .exact, limits: limits)
        // The exact form has a spelling for every value, so the limits alone can throw.
        guard (try? encoder.write(value, depth: 0)) != nil, encoder.output.count <= limits.bytes else { return nil }
        return encoder.output.withBytes(body)
    }

    /// RFC 8785's canonical form of plain JSON, for hashing: keys sorted by UTF-16 units, numbers as ECMAScript.
    ///
    /// - Throws: `.notJSON` as ``encode(_:limits:)``, and for integers that a double does not hold exactly.
    package static func canonical(_ value: Value, limits: JSONLimits = .standard) throws(JSONError) -> [UInt8] {
        var encoder = JSONEncoder(style: .canonical, limits: limits)
        try encoder.write(value, depth: 0)
        return encoder.output.bytes
    }

    private static func parse(
        _ bytes: some Collection<UInt8>,
        limits: JSONLimits,
        isExact: Bool
    ) throws(JSONError) -> Value {
        let contiguous = bytes.withContiguousStorageIfAvailable { buffer in
            readDocument(buffer, limits: limits, isExact: isExact)
        }
        if let contiguous { return try contiguous.get() }
        return try Array(bytes).withUnsafeBufferPointer { buffer in
            readDocument(buffer, limits: limits, isExact: isExact)
        }.get()
    }

    private static func readDocument(
        _ buffer: UnsafeBufferPointer<UInt8>,
        limits: JSONLimits,
        isExact: Bool
    ) -> Result<Value, JSONError> {
        var parser = JSONParser(bytes: buffer, limits: limits, isExact: isExact)
        do {
            return .success(try parser.document())
        } catch {
            return .failure(error)
        }
    }
}

/// How much JSON is read or written at most.
package struct JSONLimits: Sendable, Hashable {
    /// Bytes of the text.
    package var bytes: Int
    /// Objects and lists inside one another.
    package var depth: Int
    /// Values in all, containers included.
    package var values: Int

    package init(bytes: Int = 16 << 20, depth: Int = 64, values: Int = 1_000_000) {
        self.bytes = bytes
        self.depth = depth
        self.values = values
    }

    /// 16 MiB, 64 levels, a million values.
    package static let standard = JSONLimits()
    /// Room for the wrappers that the exact form adds to a standard document.
    package static let journal = JSONLimits(bytes: 64 << 20, depth: 256, values: 4_000_000)
    static let unbounded = JSONLimits(bytes: .max, depth: .max, values: .max)
}

/// Why text was refused as JSON, or a value cannot be written as JSON.
package struct JSONError: Error, Hashable, CustomStringConvertible {
    /// The kinds of refusal.
    package enum Code: String, Sendable {
        /// Not JSON at all.
        case syntax
        /// A string that is not UTF-8, or half a surrogate pair.
        case encoding
        /// An integer beyond 64 bits or a double beyond its range.
        case numberRange = "number_range"
        /// The same key twice in one object.
        case duplicateKey = "duplicate_key"
        /// Beyond the limits in bytes, depth or values.
        case tooLarge = "too_large"
        /// A value that plain JSON has no form for.
        case notJSON = "not_json"
    }

    package let code: Code
    /// Byte offset in the text read; 0 when writing.
    package let offset: Int
    /// What was found and what was expected; never quotes the input beyond one character.
    package let message: String

    package init(_ code: Code, at offset: Int, _ message: String) {
        self.code = code
        self.offset = offset
        self.message = message
    }

    package var description: String { "JSON: \(message) at byte \(offset)" }
}
