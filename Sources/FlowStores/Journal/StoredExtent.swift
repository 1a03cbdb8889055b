import Expressions
import FlowEngine

/// How deep and wide a value may be to be stored: what is written must stay within what `JSON.journal` reads.
///
/// A flow can nest a value once more with each turn of a loop; without this, its row could be written and never read.
enum StoredExtent {
    /// Lists and maps inside one another.
    ///
    /// The exact form may wrap each map in two more; a document of
    /// `JSON.standard` has 64.
    static let depth = 80
    /// Values in all, containers included.
    static let values = 1_000_000

    /// Lends the exact form of a value, which can be read again.
    ///
    /// - Throws: `.invalidValue` naming `what`, when it is too deep, too large or has too many values.
    static func withExact<Result>(
        _ value: Value,
        _ what: @autoclosure () -> String,
        _ body: (UnsafeBufferPointer<UInt8>) -> Result
    ) throws(StoreError) -> Result {
        // What is written is never less deep or wide than the value: nearly all need no look of their own.
        let limits = JSONLimits(bytes: JSONLimits.journal.bytes, depth: depth - 1, values: values)
        if let written = JSON.withExact(value, limits: limits, body) { return written }
        var left = values
        guard fits(value, depth: depth, left: &left) else {
            throw StoreError(
                .invalidValue,
                "\(what()) is nested deeper than \(depth) levels or has more than \(values) values"
            )
        }
        // A text that stands in many places is one in memory and many in the row.
        guard let written = JSON.withExact(value, limits: .journal, body) else {
            throw StoreError(.invalidValue, "\(what()) is larger than \(JSONLimits.journal.bytes) bytes")
        }
        return written
    }

    /// The exact form of a value, as ``withExact(_:_:_:)`` lends it.
    static func encoded(_ value: Value, _ what: @autoclosure () -> String) throws(StoreError) -> [UInt8] {
        try withExact(value, what()) { Array($0) }
    }

    private static func fits(_ value: Value, depth: Int, left: inout Int) -> Bool {
        left -= 1
        if left < 0 { return false }
        switch value {
        case .list(let elements):
            if depth == 0 { return false }
            for element in elements where !fits(element, depth: depth - 1, left: &left) { return false }
            return true
        case .map(let map):
            if depth == 0 { return false }
            for position in 0..<map.count where !fits(map.entry(at: position).value, depth: depth - 1, left: &left) {
                return false
            }
            return true
        case .optional(let optional):
            guard depth > 0 else { return false }
            return optional.value.map { fits($0, depth: depth - 1, left: &left) } ?? true
        case .null, .bool, .int, .uint, .double, .string, .bytes, .timestamp, .duration, .type: return true
        }
    }
}
