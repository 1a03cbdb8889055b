import FlowEngine
import GRDBSQLite

/// The text of a statement that never varies, with its place in each connection's cache.
///
/// Declared as a `static let` in the file that runs it.
final class FixedStatement: Sendable {
    let text: String
    let slot: Int

    init(_ text: String) {
        self.text = text
        self.slot = StatementSlots.next()
    }
}

/// A statement compiled once and run many times on its connection.
///
/// Parameters are bound in the order of their `?`; the first failure of a bind is reported by the next step.
final class PreparedStatement {
    let handle: OpaquePointer
    private var parameter: Int32 = 0
    private var bindResult: Int32 = SQLITE_OK
    /// Where texts and blobs stand while SQLite reads them: for a copy of its own it would allocate each time.
    private let area = UnsafeMutableRawBufferPointer.allocate(byteCount: 4_096, alignment: 8)
    private var areaUsed = 0

    init(handle: OpaquePointer) { self.handle = handle }

    deinit {
        sqlite3_finalize(handle)
        area.deallocate()
    }

    /// Makes the statement ready for its first parameter.
    func restart() {
        sqlite3_reset(handle)
        parameter = 0
        bindResult = SQLITE_OK
        // What stands there is bound anew before the next step.
        areaUsed = 0
    }

    func step() -> Int32 {
        guard bindResult == SQLITE_OK else { return bindResult }
        return sqlite3_step(handle)
    }

    func reset() { sqlite3_reset(handle) }
}

// Binding
extension PreparedStatement {
    private func note(_ result: Int32) {
        if bindResult == SQLITE_OK { bindResult = result }
    }

    func bind(_ value: Int64) {
        parameter += 1
        note(sqlite3_bind_int64(handle, parameter, value))
    }

    func bind(_ value: Int) { bind(Int64(value)) }

    func bind(_ value: Int64?) {
        if let value { bind(value) } else { bindNull() }
    }

    func bind(_ value: Double) {
        parameter += 1
        note(sqlite3_bind_double(handle, parameter, value))
    }

    func bind(_ text: String) {
        parameter += 1
        var text = text
        note(text.withUTF8 { bindText($0) })
    }

    func bind(_ text: String?) {
        if let text { bind(text) } else { bindNull() }
    }

    /// Binds UTF-8 as text.
    func bindText(_ utf8: [UInt8]) { utf8.withUnsafeBufferPointer { bindUTF8($0) } }

    /// Binds UTF-8 that is lent as text.
    func bindUTF8(_ utf8: UnsafeBufferPointer<UInt8>) {
        parameter += 1
        note(bindText(utf8))
    }

    func bindText(_ utf8: [UInt8]?) {
        if let utf8 { bindText(utf8) } else { bindNull() }
    }

    func bindBlob(_ bytes: [UInt8]) {
        parameter += 1
        if bytes.isEmpty {
            // A null pointer would bind NULL.
            note(sqlite3_bind_zeroblob(handle, parameter, 0))
            return
        }
        note(
            bytes.withUnsafeBytes { buffer in
                if let kept = keep(buffer) {
                    return sqlite3_bind_blob64(handle, parameter, kept, UInt64(buffer.count), nil)
                }
                return sqlite3_bind_blob64(handle, parameter, buffer.baseAddress, UInt64(buffer.count), copyAtOnce)
            }
        )
    }

    /// - Returns: Where the bytes stand until the statement is restarted; nil when there is no room for them.
    private func keep(_ bytes: UnsafeRawBufferPointer) -> UnsafeRawPointer? {
        guard let start = area.baseAddress, bytes.count <= area.count - areaUsed else { return nil }
        let place = UnsafeMutableRawBufferPointer(rebasing: area[areaUsed..<(areaUsed + bytes.count)])
        place.copyMemory(from: bytes)
        defer { areaUsed += bytes.count }
        return UnsafeRawPointer(start + areaUsed)
    }

    func bindNull() {
        parameter += 1
        note(sqlite3_bind_null(handle, parameter))
    }

    private func bindText(_ buffer: UnsafeBufferPointer<UInt8>) -> Int32 {
        guard let base = buffer.baseAddress, !buffer.isEmpty else {
            // A null pointer would bind NULL.
            return sqlite3_bind_text(handle, parameter, "", 0, copyAtOnce)
        }
        let kept = keep(UnsafeRawBufferPointer(buffer))
        return (kept ?? UnsafeRawPointer(base)).withMemoryRebound(to: CChar.self, capacity: buffer.count) { pointer in
            sqlite3_bind_text64(
                handle,
                parameter,
                pointer,
                UInt64(buffer.count),
                kept == nil ? copyAtOnce : nil,
                UInt8(SQLITE_UTF8)
            )
        }
    }
}

// Reading, strictly: a value of another type than expected is `.corrupt`
extension PreparedStatement {
    private func corrupt(_ column: Int32, _ expected: String) -> StoreError {
        let name = sqlite3_column_name(handle, column).map { String(cString: $0) } ?? "column \(column)"
        return StoreError(.corrupt, "\(name) on disk is not \(expected)")
    }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    func int(_ column: Int32) throws(StoreError) -> Int64 {
        guard sqlite3_column_type(handle, column) == SQLITE_INTEGER else { throw corrupt(column, "an integer") }
        return sqlite3_column_int64(handle, column)
    }

    func optionalInt(_ column: Int32) throws(StoreError) -> Int64? { isNull(column) ? nil : try int(column) }

    func double(_ column: Int32) throws(StoreError) -> Double {
        guard sqlite3_column_type(handle, column) == SQLITE_FLOAT else { throw corrupt(column, "a double") }
        return sqlite3_column_double(handle, column)
    }

    func text(_ column: Int32) throws(StoreError) -> String {
        guard sqlite3_column_type(handle, column) == SQLITE_TEXT else { throw corrupt(column, "text") }
        guard let start = sqlite3_column_text(handle, column) else { throw corrupt(column, "text") }
        let buffer = UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
        guard let text = String(validating: buffer, as: UTF8.self) else { throw corrupt(column, "UTF-8") }
        return text
    }

    func optionalText(_ column: Int32) throws(StoreError) -> String? { isNull(column) ? nil : try text(column) }

    /// The bytes of a text column.
    func textBytes(_ column: Int32) throws(StoreError) -> [UInt8] {
        guard sqlite3_column_type(handle, column) == SQLITE_TEXT else { throw corrupt(column, "text") }
        return bytes(column)
    }

    func blob(_ column: Int32) throws(StoreError) -> [UInt8] {
        guard sqlite3_column_type(handle, column) == SQLITE_BLOB else { throw corrupt(column, "bytes") }
        return bytes(column)
    }

    private func bytes(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }
}

/// SQLITE_TRANSIENT, a macro that Swift cannot import: SQLite copies what is bound before the call returns.
private var copyAtOnce: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }
