import Expressions
import Testing

@testable import FlowLanguage

@Suite("Schedules")
struct ScheduleTests {
    /// The first moments behind `start`, each in UTC.
    private func moments(_ cron: String, _ zone: String, after start: String, _ count: Int) throws -> [String] {
        let trigger = ScheduleTrigger(
            rhythm: .cron(try CronExpression(cron), zone: try #require(ScheduleZone(zone))),
            missed: .skip
        )
        var moment = try #require(Timestamp(rfc3339: start))
        var found: [String] = []
        for _ in 0..<count {
            moment = try #require(trigger.next(after: moment))
            found.append(String(moment.rfc3339.dropLast(4)))
        }
        return found
    }

    @Test(
        "cron in UTC",
        arguments: [
            ("*/15 * * * *", ["2026-11-20T10:15", "2026-11-20T10:30", "2026-11-20T10:45"]),
            ("30 6 * * 1-5", ["2026-11-23T06:30", "2026-11-24T06:30", "2026-11-25T06:30"]),
            ("0 0 1 jan,jul *", ["2027-01-01T00:00", "2027-07-01T00:00", "2028-01-01T00:00"]),
            ("0 0 29 2 *", ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]),
            // Either day suffices when both are restricted.
            ("0 12 13 * fri", ["2026-11-20T12:00", "2026-11-27T12:00", "2026-12-04T12:00"]),
            ("0 12 */10 * *", ["2026-11-21T12:00", "2026-12-01T12:00", "2026-12-11T12:00"]),
            ("5/20 22 * * 7", ["2026-11-22T22:05", "2026-11-22T22:25", "2026-11-22T22:45"]),
            ("59 23 31 * *", ["2026-12-31T23:59", "2027-01-31T23:59", "2027-03-31T23:59"]),
            ("@monthly", ["2026-12-01T00:00", "2027-01-01T00:00", "2027-02-01T00:00"]),
        ]
    )
    func utc(_ cron: String, _ expected: [String]) throws {
        #expect(try moments(cron, "UTC", after: "2026-11-20T10:00:00Z", 3) == expected)
    }

    @Test(
        "where the clock is put forward, a skipped time fires at the change, once",
        arguments: [
            // 29 March 2026: 02:00 becomes 03:00, at 01:00 UTC.
            (
                "30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z",
                ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"]
            ),
            ("0,20,40 2 * * *", "Europe/Berlin", "2026-03-28T02:00:00Z", ["2026-03-29T01:00", "2026-03-30T00:00"]),
            ("0 3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", ["2026-03-29T01:00", "2026-03-30T01:00"]),
            (
                "*/30 * * * *", "Europe/Berlin", "2026-03-29T00:10:00Z",
                ["2026-03-29T00:30", "2026-03-29T01:00", "2026-03-29T01:30"]
            ),
            // 8 March 2026: 02:00 becomes 03:00, at 07:00 UTC.
            ("15 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", ["2026-03-08T07:00", "2026-03-09T06:15"]),
            ("0 * * * *", "America/New_York", "2026-03-08T05:30:00Z", ["2026-03-08T06:00", "2026-03-08T07:00"]),
            // 4 October 2026: 02:00 becomes 02:30, at 15:30 UTC of the day before.
            ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", ["2026-10-03T15:30", "2026-10-04T15:15"]),
            ("45 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", ["2026-10-03T15:45", "2026-10-04T15:45"]),
        ] as [(String, String, String, [String])]
    )
    func forward(_ cron: String, _ zone: String, _ start: String, _ expected: [String]) throws {
        #expect(try moments(cron, zone, after: start, expected.count) == expected)
    }

    @Test(
        "where the clock is put back, a time that comes twice fires the first time; every hour fires in both",
        arguments: [
            // 25 October 2026: 03:00 becomes 02:00, at 01:00 UTC.
            ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", ["2026-10-25T00:30", "2026-10-26T01:30"]),
            ("0 3 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", ["2026-10-25T02:00", "2026-10-26T02:00"]),
            ("0 2 * * *", "Europe/Berlin", "2026-10-25T00:40:00Z", ["2026-10-26T01:00"]),
            // Asked in the second of the two hours.
            ("30 2 * * *", "Europe/Berlin", "2026-10-25T01:10:00Z", ["2026-10-26T01:30"]),
            (
                "30 * * * *", "Europe/Berlin", "2026-10-24T23:40:00Z",
                ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"]
            ),
            // 1 November 2026: 02:00 becomes 01:00, at 06:00 UTC.
            ("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", ["2026-11-01T05:30", "2026-11-02T06:30"]),
            ("0 */6 * * *", "America/New_York", "2026-11-01T03:00:00Z", ["2026-11-01T04:00", "2026-11-01T11:00"]),
            // 5 April 2026: 02:00 becomes 01:30, at 15:00 UTC of the day before.
            ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", ["2026-04-04T14:45", "2026-04-05T15:15"]),
            (
                "*/15 * * * *", "Australia/Lord_Howe", "2026-04-04T14:40:00Z",
                ["2026-04-04T14:45", "2026-04-04T15:00", "2026-04-04T15:15", "2026-04-04T15:30"]
            ),
        ] as [(String, String, String, [String])]
    )
    func back(_ cron: String, _ zone: String, _ start: String, _ expected: [String]) throws {
        #expect(try moments(cron, zone, after: start, expected.count) == expected)
    }

    @Test(
        "what is no cron is refused",
        arguments: [
            "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 8",
            "5-1 * * * *",
            "*/0 * * * *", "a * * * *", "1,,2 * * * *", "-1 * * * *", "@never", "1-2-3 * * * *", "*/1/2 * * * *",
            "١ * * * *",
        ]
    )
    func refused(_ cron: String) {
        #expect(throws: CronExpression.Problem.self) { try CronExpression(cron) }
    }

    @Test(
        "what is no zone is refused",
        arguments: ["", "Mars/Phobos", "../etc/passwd", "+01:00", "/etc/localtime", "Europe/Berlin\n"]
    )
    func zones(_ name: String) { #expect(ScheduleZone(name) == nil) }

    @Test(
        "an abbreviation and an offset are no zones: what they mean depends on whom one asks",
        arguments: [
            "BST", "AST", "ACT", "IST", "PST", "CST", "EST", "CET", "GMT+1", "UTC+2", "GMT+0530", "UTC-3", "GMT0",
            "SystemV/EST5", "posix/Europe/Berlin", "right/Europe/Berlin",
        ]
    )
    func abbreviations(_ name: String) { #expect(ScheduleZone(name) == nil) }

    @Test(
        "names of the IANA list are zones",
        arguments: [
            "UTC", "GMT", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kolkata", "US/Pacific", "Etc/GMT+1",
            "Etc/UTC", "Japan", "NZ", "America/Port-au-Prince",
        ]
    )
    func names(_ name: String) { #expect(ScheduleZone(name) != nil) }

    @Test("an interval counts from 1970, whatever it is asked after")
    func interval() throws {
        let trigger = ScheduleTrigger(rhythm: .every(microseconds: 900_000_000), missed: .skip)
        let before = try #require(Timestamp(rfc3339: "2026-11-20T10:14:59.999999Z"))
        let at = try #require(Timestamp(rfc3339: "2026-11-20T10:15:00Z"))
        #expect(trigger.next(after: before) == at)
        #expect(trigger.next(after: at)?.rfc3339 == "2026-11-20T10:30:00Z")
    }
}
