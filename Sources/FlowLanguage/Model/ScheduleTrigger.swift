package import Expressions
import Foundation

/// When a flow starts by itself.
package struct ScheduleTrigger: Sendable, Hashable {
    /// What becomes of moments at which nobody was there.
    package enum Missed: String, Sendable, Hashable, CaseIterable {
        /// They are left out.
        case skip
        /// One run for all of them, with the last one's time.
        case once
        /// A run for each, oldest first.
        case all
    }

    package enum Rhythm: Sendable, Hashable {
        /// Wall-clock times in a zone.
        case cron(CronExpression, zone: ScheduleZone)
        /// Every so many microseconds, counted from 1970.
        case every(microseconds: Int64)
    }

    package var rhythm: Rhythm
    package var missed: Missed

    package init(rhythm: Rhythm, missed: Missed) {
        self.rhythm = rhythm
        self.missed = missed
    }

    /// What is stored beside the next moment: another text means that the moment is another one too.
    package var definition: String {
        switch rhythm {
        case .cron(let cron, let zone): "cron \(cron.text) \(zone.name)"
        case .every(let microseconds): "every \(microseconds)"
        }
    }

    /// The first moment behind `moment`; nil when there is none in the years to come.
    package func next(after moment: Timestamp) -> Timestamp? {
        switch rhythm {
        case .every(let microseconds):
            let now = moment.microseconds
            let rest = now % microseconds
            return Timestamp(microseconds: now - (rest < 0 ? rest + microseconds : rest) + microseconds)
        case .cron(let cron, let zone):
            return zone.next(cron, after: moment.seconds).flatMap { Timestamp(seconds: $0, nanoseconds: 0) }
        }
    }
}

/// A time zone of the IANA list.
package struct ScheduleZone: Sendable, Hashable {
    package let name: String
    private let zone: TimeZone

    package static let utc = ScheduleZone(name: "UTC", zone: .gmt)

    private init(name: String, zone: TimeZone) {
        self.name = name
        self.zone = zone
    }

    /// Nil when the IANA list has no such zone.
    init?(_ name: String) {
        guard let zone = ZoneName.zone(name) else { return nil }
        self.init(name: name, zone: zone)
    }

    private func offset(at second: Int64) -> Int64 {
        Int64(zone.secondsFromGMT(for: Date(timeIntervalSince1970: Double(second))))
    }

    /// The first second behind `second` at which `cron` fires.
    ///
    /// Where the clock is put forward, times that the wall skips fire at the moment of the change, once. Where it is put
    /// back, times that the wall shows twice fire the first time. Schedules of every hour follow the time that passes:
    /// they skip what does not exist and fire in both of the hours that look alike.
    func next(_ cron: CronExpression, after second: Int64) -> Int64? {
        // Far enough back for a change whose second hour `second` may lie in.
        var start = second - Self.lookBack
        var wall = start + offset(at: start)
        while true {
            let offset = offset(at: start)
            wall = max(wall, second + 1 + offset)
            guard let found = cron.next(from: wall) else { return nil }
            let candidate = found - offset
            guard let change = change(from: start, through: candidate) else { return candidate }
            let (before, after) = (offset, self.offset(at: change))
            if before < after {
                // Skipped on the wall: from `change + before` to `change + after`.
                if !cron.followsElapsedTime, change > second,
                    let skipped = cron.next(from: change + before), skipped < change + after
                {
                    return change
                }
                wall = change + after
            } else {
                wall = change + (cron.followsElapsedTime ? after : before)
            }
            start = change
        }
    }

    private static let lookBack: Int64 = 26 * 3600

    /// The first second in the span at which the zone's offset is another one than at `start`.
    private func change(from start: Int64, through end: Int64) -> Int64? {
        let first = offset(at: start)
        var low = start
        while low < end {
            // Zones keep an offset for weeks at least.
            let high = min(low + 7 * 86_400, end)
            if offset(at: high) != first {
                var (same, other) = (low, high)
                while other - same > 1 {
                    let middle = same + (other - same) / 2
                    if offset(at: middle) == first { same = middle } else { other = middle }
                }
                return other
            }
            low = high
        }
        return nil
    }
}
