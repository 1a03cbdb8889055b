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

    /// Lends what was written so far.
    func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        body(UnsafeBufferPointer(start: start, count: count))
    }

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

    /// A string with its quotation marks, as far as nothing in it needs an escape; looked at eight bytes at a time.
    ///
    /// - Returns: So many bytes of it are written; with all of them, the second mark is too.
    mutating func appendQuoted(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        if room - count < bytes.count + 2 { grow(by: bytes.count + 2) }
        start[count] = UInt8(ascii: "\"")
        count += 1
        guard let source = bytes.baseAddress else { return finishQuoted(0) }
        let target = start + count
        var position = 0
        while position < bytes.count {
            // The last eight overlap those before; a shorter text goes byte by byte.
            let next = min(position, bytes.count - 8)
            guard next >= 0 else { break }
            let word = UnsafeRawPointer(source + next).loadUnaligned(as: UInt64.self)
            UnsafeMutableRawPointer(target + next).storeBytes(of: word, as: UInt64.self)
            if let plain = word.bytesBeforeEscape {
                count += next + plain
                return next + plain
            }
            position = next + 8
        }
        while position < bytes.count, !source[position].needsEscape {
            target[position] = source[position]
            position += 1
        }
        count += position
        return position < bytes.count ? position : finishQuoted(position)
    }

    private mutating func finishQuoted(_ written: Int) -> Int {
        start[count] = UInt8(ascii: "\"")
        count += 1
        return written
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

extension UInt8 {
    /// Whether JSON asks for an escape: for control characters, the quotation mark and the backslash.
    var needsEscape: Bool { self < 0x20 || self == 0x22 || self == 0x5C }
}

extension UInt64 {
    /// How many of the eight bytes, as they lie in memory, come before the first that needs an escape in JSON; nil where none does.
    ///
    /// "Determine if a word has a byte less than n" of Bit Twiddling Hacks; bytes of 0x80 and more need none. What borrows
    /// lies behind the first that is found, so that one is right.
    @inline(__always)
    var bytesBeforeEscape: Int? {
        let word = UInt64(littleEndian: self)
        let each: UInt64 = 0x0101_0101_0101_0101
        let controls = word &- each &* 0x20
        let quotes = (word ^ each &* 0x22) &- each
        let backslashes = (word ^ each &* 0x5C) &- each
        let found = (controls | quotes | backslashes) & ~word & (each &* 0x80)
        return found == 0 ? nil : found.trailingZeroBitCount / 8
    }
}
