import FlowStores
import Foundation
import Synchronization

/// Writes down the statements of a stretch of an engine's work, for `RawSQLite/replay.c`.
///
/// The file: flows, kinds of statements, each kind's text; then `x` with a statement's number and values, or `c` where
/// a group ends. The engine's own groups are left out: the limit commits each hundred flows.
final class StatementRecording: Sendable {
    private struct State {
        var isOn = false
        var texts: [String] = []
        var numbers: [String: UInt32] = [:]
        var operations: [UInt8] = []
        var flows: UInt32 = 0
        var depth = 0
        var flowsInGroup = 0
        var failure: String?
    }

    static let flowsPerGroup = 100
    private let state = Mutex(State())

    var trace: StatementTrace { StatementTrace { [self] text, expanded in hear(text, expanded) } }

    func start() { state.withLock { $0.isOn = true } }

    /// Writes what was heard since `start`.
    ///
    /// - Returns: The number of flows in it.
    func finish(to path: String) throws -> Int {
        let (bytes, flows, failure) = state.withLock { state in
            state.isOn = false
            var bytes: [UInt8] = []
            bytes.append(word: state.flows)
            bytes.append(word: UInt32(state.texts.count))
            for text in state.texts { bytes.append(counted: Array(text.utf8)) }
            return (bytes + state.operations, Int(state.flows), state.failure)
        }
        if let failure { throw BenchmarkFailure(failure) }
        guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else {
            throw BenchmarkFailure("\(path) cannot be written")
        }
        return flows
    }

    private func hear(_ text: String, _ expanded: String) {
        state.withLock { state in
            guard state.isOn, !["BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"].contains(text) else { return }
            // A group may end only where no savepoint is open, before the next flow's first statement.
            let beginsFlow = text.hasPrefix("INSERT INTO runs")
            if beginsFlow, state.depth == 0, state.flowsInGroup >= Self.flowsPerGroup {
                state.operations.append(UInt8(ascii: "c"))
                state.flowsInGroup = 0
            }
            if text.hasPrefix("SAVEPOINT") { state.depth += 1 }
            if text.hasPrefix("RELEASE") { state.depth -= 1 }
            if beginsFlow {
                state.flows += 1
                state.flowsInGroup += 1
            }
            guard let values = ExpandedStatement.values(of: text, in: expanded) else {
                state.failure = "a statement could not be taken apart: \(text)"
                return
            }
            let number: UInt32
            if let known = state.numbers[text] {
                number = known
            } else {
                number = UInt32(state.texts.count)
                state.numbers[text] = number
                state.texts.append(text)
            }
            state.operations.append(UInt8(ascii: "x"))
            state.operations.append(word: number)
            state.operations.append(word: UInt32(values.count))
            for value in values { state.operations.append(value) }
        }
    }
}

/// The values that SQLite put in the places of a statement's parameters.
enum ExpandedStatement {
    enum Value {
        case null
        case integer(Int64)
        case double(Double)
        case text([UInt8])
        case blob([UInt8])
    }

    /// Walks both texts at once, which differ at the parameters alone; nil when they do not fit.
    static func values(of text: String, in expanded: String) -> [Value]? {
        let text = Array(text.utf8)
        let expanded = Array(expanded.utf8)
        var values: [Int: Value] = [:]
        var last = 0
        var (from, to) = (0, 0)
        var isQuoted = false
        while from < text.count {
            let byte = text[from]
            if byte == UInt8(ascii: "'") { isQuoted.toggle() }
            guard byte == UInt8(ascii: "?"), !isQuoted else {
                guard to < expanded.count, expanded[to] == byte else { return nil }
                from += 1
                to += 1
                continue
            }
            from += 1
            var digits = 0
            while from < text.count, (48...57).contains(text[from]) {
                digits = digits * 10 + Int(text[from] - 48)
                from += 1
            }
            let number = digits > 0 ? digits : last + 1
            last = max(last, number)
            guard let value = literal(in: expanded, at: &to) else { return nil }
            values[number] = value
        }
        guard to == expanded.count, last == 0 || (1...last).allSatisfy({ values[$0] != nil }) else { return nil }
        return last == 0 ? [] : (1...last).compactMap { values[$0] }
    }

    private static func literal(in text: [UInt8], at position: inout Int) -> Value? {
        guard position < text.count else { return nil }
        switch text[position] {
        case UInt8(ascii: "N"):
            position += 4
            return .null
        case UInt8(ascii: "'"):
            return quoted(in: text, at: &position).map { .text($0) }
        case UInt8(ascii: "x"):
            position += 1
            guard let digits = quoted(in: text, at: &position) else { return nil }
            return bytes(ofHex: digits).map { .blob($0) }
        case UInt8(ascii: "z"):
            // zeroblob(N)
            guard let close = text[position...].firstIndex(of: UInt8(ascii: ")")),
                let count = Int(String(decoding: text[(position + 9)..<close], as: UTF8.self))
            else { return nil }
            position = close + 1
            return .blob([UInt8](repeating: 0, count: count))
        default:
            let start = position
            while position < text.count, isOfNumber(text[position]) { position += 1 }
            let digits = String(decoding: text[start..<position], as: UTF8.self)
            if let integer = Int64(digits) { return .integer(integer) }
            return Double(digits).map { .double($0) }
        }
    }

    private static func isOfNumber(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || [0x2D, 0x2B, 0x2E, 0x65, 0x45].contains(byte)
    }

    private static func quoted(in text: [UInt8], at position: inout Int) -> [UInt8]? {
        guard position < text.count, text[position] == UInt8(ascii: "'") else { return nil }
        position += 1
        var content: [UInt8] = []
        while position < text.count {
            let byte = text[position]
            position += 1
            if byte != UInt8(ascii: "'") {
                content.append(byte)
            } else if position < text.count, text[position] == byte {
                content.append(byte)
                position += 1
            } else {
                return content
            }
        }
        return nil
    }

    private static func bytes(ofHex digits: [UInt8]) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        for start in stride(from: 0, to: digits.count - 1, by: 2) {
            guard let byte = UInt8(String(decoding: digits[start...(start + 1)], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        return bytes
    }
}

extension [UInt8] {
    fileprivate mutating func append(word: UInt32) {
        Swift.withUnsafeBytes(of: word) { append(contentsOf: $0) }
    }

    fileprivate mutating func append(long: Int64) {
        Swift.withUnsafeBytes(of: long) { append(contentsOf: $0) }
    }

    fileprivate mutating func append(counted bytes: [UInt8]) {
        append(word: UInt32(bytes.count))
        append(contentsOf: bytes)
    }

    fileprivate mutating func append(_ value: ExpandedStatement.Value) {
        switch value {
        case .null: append(UInt8(ascii: "n"))
        case .integer(let number):
            append(UInt8(ascii: "i"))
            append(long: number)
        case .double(let number):
            append(UInt8(ascii: "d"))
            append(long: Int64(bitPattern: number.bitPattern))
        case .text(let bytes):
            append(UInt8(ascii: "t"))
            append(counted: bytes)
        case .blob(let bytes):
            append(UInt8(ascii: "b"))
            append(counted: bytes)
        }
    }
}
