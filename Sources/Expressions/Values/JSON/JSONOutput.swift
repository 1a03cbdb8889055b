/// The bytes of a document while it is written.
///
/// An array would ask before each byte whether somebody else holds it.
struct JSONOutput: ~Copyable {
    private var start: UnsafeMutablePointer<UInt8>
    private var room: Int
    private(set) var count = 0

    init(room: Int) {
        start = .allocate(capacity: room)
        self.room = room
    }

    deinit { start.deallocate() }

    /// What was written so far.
    var bytes: [UInt8] { Array(UnsafeBufferPointer(start: start, count: count)) }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        if count == room { grow(by: 1) }
        start[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard let source = bytes.baseAddress else { return }
        if room - count < bytes.count { grow(by: bytes.count) }
        (start + count).update(from: source, count: bytes.count)
        count += bytes.count
    }

    mutating func append(_ text: StaticString) {
        append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    mutating func append(text: String) {
        var text = text
        text.withUTF8 { append($0) }
    }

    /// The number's digits, without a text of its own.
    mutating func append(digitsOf number: UInt64) {
        var digits = 1
        var bound: UInt64 = 10
        while number >= bound {
            digits += 1
            let (next, isBeyond) = bound.multipliedReportingOverflow(by: 10)
            if isBeyond { break }
            bound = next
        }
        if room - count < digits { grow(by: digits) }
        var left = number
        var place = start + count + digits
        for _ in 0..<digits {
            place -= 1
            place.pointee = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: left % 10)
            left /= 10
        }
        count += digits
    }

    private mutating func grow(by more: Int) {
        // What is never written to costs no memory, and each step costs a copy.
        let larger = max(room * (room < 1 << 16 ? 2 : 4), count + more)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.moveInitialize(from: start, count: count)
        start.deallocate()
        start = moved
        room = larger
    }
}
