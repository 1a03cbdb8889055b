import Foundation

/// The parts of timestamps, in UTC or a named zone, and of durations.
enum TimeFunctions {
    static let functions: [(String, FunctionBody)] =
        part("getFullYear") { Int64($0.year) } + part("getMonth") { Int64($0.month - 1) }
        + part("getDate") { Int64($0.day) } + part("getDayOfMonth") { Int64($0.day - 1) }
        + part("getDayOfWeek") { Int64($0.dayOfWeek) } + part("getDayOfYear") { Int64($0.dayOfYear) }
        + part("getHours", whole: 3600) { Int64($0.hour) } + part("getMinutes", whole: 60) { Int64($0.minute) }
        + part("getSeconds", whole: 1) { Int64($0.second) } + milliseconds

    /// One function with and without a zone; on a duration it gives all of it in the unit.
    private static func part(
        _ name: String,
        whole unit: Int64? = nil,
        _ get: @escaping @Sendable (CivilTime) -> Int64
    ) -> [(String, FunctionBody)] {
        [
            (
                name,
                .unary({ (value, _) throws(EvaluationError) in
                    switch (value, unit) {
                    case (.timestamp(let moment), _):
                        return .int(get(CivilTime(secondsSinceEpoch: moment.seconds)))
                    case (.duration(let span), let unit?): return .int(span.components.seconds / unit)
                    default: throw .noOverload(name, value)
                    }
                })
            ),
            (
                name,
                .binary({ (value, zone, _) throws(EvaluationError) in
                    guard case .timestamp(let moment) = value, case .string(let zone) = zone else {
                        throw .noOverload(name, value, zone)
                    }
                    let offset = try Self.offset(of: zone, at: moment)
                    return .int(get(CivilTime(secondsSinceEpoch: moment.seconds + offset)))
                })
            ),
        ]
    }

    private static let milliseconds: [(String, FunctionBody)] = [
        (
            "getMilliseconds",
            .unary({ (value, _) throws(EvaluationError) in
                switch value {
                case .timestamp(let moment): return .int(Int64(moment.nanoseconds / 1_000_000))
                // The milliseconds of the current second, not of the whole span: so the conformance data has it.
                case .duration(let span): return .int(span.components.attoseconds / 1_000_000_000_000_000)
                default: throw .noOverload("getMilliseconds", value)
                }
            })
        ),
        (
            "getMilliseconds",
            .binary({ (value, zone, _) throws(EvaluationError) in
                guard case .timestamp(let moment) = value, case .string(let zone) = zone else {
                    throw .noOverload("getMilliseconds", value, zone)
                }
                _ = try offset(of: zone, at: moment)
                return .int(Int64(moment.nanoseconds / 1_000_000))
            })
        ),
    ]

    /// Seconds east of UTC of `Europe/Berlin`, `+01:00`, `02:00` or `-02:30` at a moment.
    private static func offset(of zone: String, at moment: Timestamp) throws(EvaluationError) -> Int64 {
        if zone == "UTC" || zone == "GMT" { return 0 }
        guard zone.utf8.count <= 64 else { throw .invalid("there is no such time zone") }
        let signed = zone.utf8.first.map(\.isDigit) ?? false ? "+" + zone : zone
        var scanner = DigitScanner(bytes: Array(signed.utf8))
        if signed.utf8.first.map({ "+-".utf8.contains($0) }) ?? false, let offset = scanner.zoneOffset(),
            scanner.isAtEnd
        {
            return Int64(offset)
        }
        guard let named = ZoneName.zone(zone) else {
            throw .invalid("there is no such time zone; write one of the IANA list, as 'Europe/Berlin', or '+01:00'")
        }
        let date = Foundation.Date(timeIntervalSince1970: Double(moment.seconds))
        return Int64(named.secondsFromGMT(for: date))
    }
}
