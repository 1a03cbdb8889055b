/// A moment with nanoseconds, between the years 0001 and 9999 in UTC.
package struct Timestamp: Sendable, Hashable {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    package let seconds: Int64
    /// 0 … 999,999,999.
    package let nanoseconds: Int32

    static let leastSeconds: Int64 = -62_135_596_800
    static let greatestSeconds: Int64 = 253_402_300_799

    /// The end of the year 9999.
    package static let latest = Timestamp(valid: greatestSeconds, 999_999_999)

    private init(valid seconds: Int64, _ nanoseconds: Int32) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Nil when the moment is outside the years 0001–9999 or the nanoseconds outside one second.
    package init?(seconds: Int64, nanoseconds: Int32) {
        guard seconds >= Self.leastSeconds, seconds <= Self.greatestSeconds else { return nil }
        guard nanoseconds >= 0, nanoseconds < 1_000_000_000 else { return nil }
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// A moment from microseconds since 1970; nil when outside the years 0001–9999.
    package init?(microseconds: Int64) {
        let (seconds, rest) = microseconds.quotientAndRemainderFlooring(by: 1_000_000)
        self.init(seconds: seconds, nanoseconds: Int32(rest * 1000))
    }

    /// Microseconds since 1970, rounded down.
    package var microseconds: Int64 { seconds * 1_000_000 + Int64(nanoseconds / 1000) }

    /// The moment after a span; nil when it leaves the years 0001–9999.
    package static func + (moment: Timestamp, span: Duration) -> Timestamp? {
        let (spanSeconds, attoseconds) = span.components
        let (seconds, overflow) = moment.seconds.addingReportingOverflow(spanSeconds)
        if overflow { return nil }
        var total = seconds
        var nanoseconds = Int64(moment.nanoseconds) + attoseconds / 1_000_000_000
        if nanoseconds < 0 {
            nanoseconds += 1_000_000_000
            total -= 1
        } else if nanoseconds >= 1_000_000_000 {
            nanoseconds -= 1_000_000_000
            total += 1
        }
        return Timestamp(seconds: total, nanoseconds: Int32(nanoseconds))
    }

    /// The moment before a span; nil when it leaves the years 0001–9999.
    package static func - (moment: Timestamp, span: Duration) -> Timestamp? { moment + (.zero - span) }

    /// The span between two moments.
    package static func - (left: Timestamp, right: Timestamp) -> Duration {
        .seconds(left.seconds - right.seconds) + .nanoseconds(Int64(left.nanoseconds) - Int64(right.nanoseconds))
    }
}

extension Timestamp: Comparable {
    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }
}

extension Timestamp: CustomStringConvertible {
    package var description: String { rfc3339 }

    /// RFC 3339 text in UTC; a fraction of 3, 6 or 9 digits when there is one.
    package var rfc3339: String {
        String(unsafeUninitializedCapacity: Self.longestText) { text in
            var writer = DigitWriter(text)
            write(to: &writer)
            return writer.count
        }
    }

    /// Bytes of `9999-12-31T23:59:59.999999999Z`.
    static let longestText = 30

    private func write(to text: inout DigitWriter) {
        let time = CivilTime(secondsSinceEpoch: seconds)
        text.write(time.year, digits: 4)
        text.write("-")
        text.write(time.month, digits: 2)
        text.write("-")
        text.write(time.day, digits: 2)
        text.write("T")
        text.write(time.hour, digits: 2)
        text.write(":")
        text.write(time.minute, digits: 2)
        text.write(":")
        text.write(time.second, digits: 2)
        if nanoseconds != 0 {
            text.write(".")
            if nanoseconds % 1_000_000 == 0 {
                text.write(Int(nanoseconds / 1_000_000), digits: 3)
            } else if nanoseconds % 1000 == 0 {
                text.write(Int(nanoseconds / 1000), digits: 6)
            } else {
                text.write(Int(nanoseconds), digits: 9)
            }
        }
        text.write("Z")
    }

    /// Reads RFC 3339 text: `2026-11-20T19:02:24Z`, with up to nine digits of a fraction and an offset such as
    /// `+01:00`.
    ///
    /// Nil for anything else, also for days that do not exist and leap seconds.
    package init?(rfc3339 text: some StringProtocol) {
        var scanner = DigitScanner(bytes: Array(text.utf8))
        guard let year = scanner.number(digits: 4), scanner.take("-"),
            let month = scanner.number(digits: 2), scanner.take("-"),
            let day = scanner.number(digits: 2), scanner.take("T") || scanner.take("t"),
            let hour = scanner.number(digits: 2), scanner.take(":"),
            let minute = scanner.number(digits: 2), scanner.take(":"),
            let second = scanner.number(digits: 2),
            let fraction = scanner.fraction(), let offset = scanner.zoneOffset(), scanner.isAtEnd
        else { return nil }
        let time = CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        guard time.isValid else { return nil }
        self.init(seconds: time.secondsSinceEpoch - Int64(offset), nanoseconds: Int32(fraction))
    }
}

/// Writes numbers of fixed width into memory that has room for them.
private struct DigitWriter {
    private let text: UnsafeMutableBufferPointer<UInt8>
    private(set) var count = 0

    init(_ text: UnsafeMutableBufferPointer<UInt8>) { self.text = text }

    mutating func write(_ character: Unicode.Scalar) {
        text[count] = UInt8(ascii: character)
        count += 1
    }

    mutating func write(_ number: Int, digits: Int) {
        var left = number
        for place in (count..<count + digits).reversed() {
            text[place] = UInt8(ascii: "0") + UInt8(left % 10)
            left /= 10
        }
        count += digits
    }
}

/// Date and time of day in the proleptic Gregorian calendar, in some zone.
package struct CivilTime {
    package var year: Int
    package var month: Int
    package var day: Int
    package var hour: Int
    package var minute: Int
    package var second: Int

    package init(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    package init(secondsSinceEpoch: Int64) {
        let (days, rest) = secondsSinceEpoch.quotientAndRemainderFlooring(by: 86_400)
        // Days are counted in eras of 400 years that begin on 1 March, so that the leap day comes last.
        let shifted = days + 719_468
        let (era, dayOfEra) = shifted.quotientAndRemainderFlooring(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
        month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
        year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
        hour = Int(rest / 3600)
        minute = Int(rest / 60 % 60)
        second = Int(rest % 60)
    }

    package var daysSinceEpoch: Int64 {
        let shiftedYear = Int64(month <= 2 ? year - 1 : year)
        let (era, yearOfEra) = shiftedYear.quotientAndRemainderFlooring(by: 400)
        let shiftedMonth = Int64(month > 2 ? month - 3 : month + 9)
        let dayOfYear = (153 * shiftedMonth + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    package var secondsSinceEpoch: Int64 {
        daysSinceEpoch * 86_400 + Int64(hour) * 3600 + Int64(minute) * 60 + Int64(second)
    }

    /// 0 is 1 January.
    var dayOfYear: Int {
        Int(daysSinceEpoch - CivilTime(year: year, month: 1, day: 1, hour: 0, minute: 0, second: 0).daysSinceEpoch)
    }

    /// 0 is Sunday.
    package var dayOfWeek: Int { Int((daysSinceEpoch + 4).quotientAndRemainderFlooring(by: 7).remainder) }

    var isValid: Bool {
        guard (1...12).contains(month), day >= 1, hour < 24, minute < 60, second < 60 else { return false }
        let isLeap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
        let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return day <= lengths[month - 1]
    }
}

/// Reads fixed-width numbers from text.
struct DigitScanner {
    private let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
        position += 1
        return true
    }

    mutating func number(digits: Int) -> Int? {
        guard position + digits <= bytes.count else { return nil }
        var number = 0
        for byte in bytes[position..<position + digits] {
            guard byte >= 48, byte <= 57 else { return nil }
            number = number * 10 + Int(byte - 48)
        }
        position += digits
        return number
    }

    /// Nanoseconds of an optional fraction of one to nine digits; nil when the fraction is malformed.
    mutating func fraction() -> Int? {
        guard take(".") else { return 0 }
        var number = 0
        var count = 0
        while let digit = self.number(digits: 1) {
            count += 1
            if count > 9 { return nil }
            number = number * 10 + digit
        }
        guard count > 0 else { return nil }
        for _ in count..<9 { number *= 10 }
        return number
    }

    /// Seconds east of UTC: `Z`, `+hh:mm` or `-hh:mm`.
    mutating func zoneOffset() -> Int? {
        if take("Z") || take("z") { return 0 }
        let sign: Int
        if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
        guard let hours = number(digits: 2), hours < 24, take(":"), let minutes = number(digits: 2), minutes < 60
        else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}

extension Int64 {
    /// Division that rounds down, so that the remainder has the divisor's sign.
    func quotientAndRemainderFlooring(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
