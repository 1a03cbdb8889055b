import Expressions

/// The five fields of cron: minute, hour, day of month, month, day of week.
///
/// Lists, ranges, steps and the names of months and days, as crontab(5) has them; also `@hourly`, `@daily`, `@weekly`,
/// `@monthly` and `@yearly`. When both days are restricted, either suffices.
package struct CronExpression: Sendable, Hashable {
    /// Why a text is none.
    struct Problem: Error {
        var message: String
    }

    package let text: String
    private let minutes: UInt64
    private let hours: UInt64
    private let days: UInt64
    private let months: UInt64
    private let weekdays: UInt64
    private let isEitherDay: Bool
    /// Whether it fires in every hour of a kind, so that it follows the time that passes and not the clock on the wall.
    let followsElapsedTime: Bool

    private static let shorthands = [
        "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
        "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
    ]

    init(_ text: String) throws(Problem) {
        self.text = text
        let written = Self.shorthands[text.lowercased()] ?? text
        let fields = written.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
        guard fields.count == 5 else {
            let message =
                text.hasPrefix("@")
                ? "there is no '\(text)'; there are \(Self.shorthands.keys.sorted().listed)"
                : "cron has five fields (minute, hour, day of month, month, day of week); this has \(fields.count)"
            throw Problem(message: message)
        }
        minutes = try Field("minute", 0...59).read(fields[0])
        hours = try Field("hour", 0...23).read(fields[1])
        days = try Field("day of month", 1...31).read(fields[2])
        months = try Field("month", 1...12, names: Field.monthNames).read(fields[3])
        let weekdays = try Field("day of week", 0...7, names: Field.dayNames).read(fields[4])
        // 7 is Sunday as well.
        self.weekdays = weekdays & (1 << 7) == 0 ? weekdays : weekdays | 1
        isEitherDay = !fields[2].hasPrefix("*") && !fields[4].hasPrefix("*")
        followsElapsedTime = fields[1].hasPrefix("*")
    }

    /// The first wall-clock time from `start` on, in seconds since 1970 as the wall shows them; nil when there is none
    /// within twelve years: 29 February may be eight years away.
    func next(from start: Int64) -> Int64? {
        var time = CivilTime(secondsSinceEpoch: start)
        if time.second > 0 { time = CivilTime(secondsSinceEpoch: start + 60 - Int64(time.second)) }
        let lastYear = time.year + 12
        while time.year <= lastYear {
            guard months.contains(time.month) else {
                time = Self.firstOfNextMonth(time)
                continue
            }
            guard hasDay(time) else {
                time = CivilTime(secondsSinceEpoch: (time.daysSinceEpoch + 1) * 86_400)
                continue
            }
            if let minuteOfDay = minuteOfDay(from: time.hour * 60 + time.minute) {
                return time.daysSinceEpoch * 86_400 + Int64(minuteOfDay) * 60
            }
            time = CivilTime(secondsSinceEpoch: (time.daysSinceEpoch + 1) * 86_400)
        }
        return nil
    }

    private func hasDay(_ time: CivilTime) -> Bool {
        let isDay = days.contains(time.day)
        let isWeekday = weekdays.contains(time.dayOfWeek)
        return isEitherDay ? isDay || isWeekday : isDay && isWeekday
    }

    private func minuteOfDay(from start: Int) -> Int? {
        for hour in start / 60..<24 where hours.contains(hour) {
            let first = hour == start / 60 ? start % 60 : 0
            if let minute = (first..<60).first(where: { minutes.contains($0) }) { return hour * 60 + minute }
        }
        return nil
    }

    private static func firstOfNextMonth(_ time: CivilTime) -> CivilTime {
        let isDecember = time.month == 12
        let year = isDecember ? time.year + 1 : time.year
        return CivilTime(year: year, month: isDecember ? 1 : time.month + 1, day: 1, hour: 0, minute: 0, second: 0)
    }
}

/// One of the five fields: its name and what it may hold.
private struct Field {
    static let monthNames = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    static let dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]

    let name: String
    let range: ClosedRange<Int>
    /// The first names the least value.
    let names: [String]

    init(_ name: String, _ range: ClosedRange<Int>, names: [String] = []) {
        self.name = name
        self.range = range
        self.names = names
    }

    /// The values as bits.
    func read(_ text: String) throws(CronExpression.Problem) -> UInt64 {
        var bits: UInt64 = 0
        for part in text.split(separator: ",", omittingEmptySubsequences: false) { bits |= try read(part: part) }
        return bits
    }

    private func read(part: Substring) throws(CronExpression.Problem) -> UInt64 {
        let halves = part.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(halves.count), let span = halves.first else { throw problem(part) }
        var step = 1
        if halves.count == 2 {
            guard let number = Self.number(halves[1]), number >= 1, number <= range.upperBound else {
                throw problem(part)
            }
            step = number
        }
        let (first, last) = try bounds(of: span, part, isStepped: halves.count == 2)
        guard first <= last else {
            throw CronExpression.Problem(message: "the \(name) '\(part)' runs backwards")
        }
        var bits: UInt64 = 0
        for value in stride(from: first, through: last, by: step) { bits |= 1 << UInt64(value) }
        return bits
    }

    private func bounds(
        of span: Substring,
        _ part: Substring,
        isStepped: Bool
    ) throws(CronExpression.Problem) -> (Int, Int) {
        if span == "*" { return (range.lowerBound, name == "day of week" ? 6 : range.upperBound) }
        let ends = span.split(separator: "-", omittingEmptySubsequences: false)
        guard let first = ends.first.flatMap(value(of:)) else { throw problem(part) }
        switch ends.count {
        // `5/15` starts at 5 and goes on to the end.
        case 1: return (first, isStepped ? range.upperBound : first)
        case 2:
            guard let last = value(of: ends[1]) else { throw problem(part) }
            return (first, last)
        default: throw problem(part)
        }
    }

    private func value(of text: Substring) -> Int? {
        if let place = names.firstIndex(of: text.lowercased()) { return range.lowerBound + place }
        guard let number = Self.number(text), range.contains(number) else { return nil }
        return number
    }

    private static func number(_ text: Substring) -> Int? {
        guard (1...2).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(text)
    }

    private func problem(_ part: Substring) -> CronExpression.Problem {
        let named = names.isEmpty ? "" : " or a name such as \(names[1])"
        return CronExpression.Problem(
            message: "the \(name) '\(part)' is none; it is \(range.lowerBound) to \(range.upperBound)\(named), "
                + "a range, a list, or '*' with or without a step"
        )
    }
}

extension UInt64 {
    fileprivate func contains(_ bit: Int) -> Bool { self & (1 << UInt64(bit)) != 0 }
}
