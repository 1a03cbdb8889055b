import Foundation
import Synchronization

/// Many callers, each on a connection of its own, that create a payment intent and confirm it, again and again.
struct PairLoad {
    /// What was seen.
    struct Result: Sendable {
        let pairs: Int
        let seconds: Double
        /// Of each pair, in order of size.
        let nanoseconds: [UInt64]

        var perSecond: Double { Double(pairs) / seconds }

        func milliseconds(_ share: Double) -> Double {
            guard let last = nanoseconds.last else { return 0 }
            let index = Int(share * Double(nanoseconds.count))
            return Double(index < nanoseconds.count ? nanoseconds[index] : last) / 1e6
        }

        func line(_ name: String) -> String {
            let times = [0.5, 0.99].map { String(format: "%.2f ms", milliseconds($0)) }
            let rate = "\(Int(perSecond)) create+confirm pairs/s"
            return "\(name): \(rate), p50 \(times[0]), p99 \(times[1]) (\(pairs) pairs)"
        }
    }

    let port: Int
    let connections: Int

    /// Drives the server for so long.
    ///
    /// Throws: the first failure of any caller.
    func run(seconds: Double, label: String) async throws -> Result {
        let begin = DispatchTime.now().uptimeNanoseconds
        let end = begin + UInt64(seconds * 1e9)
        let outcomes: [Swift.Result<[UInt64], any Error>] = await withCheckedContinuation { continuation in
            let finished = Mutex<[Swift.Result<[UInt64], any Error>]>([])
            let shared = Shared(finished)
            for number in 0..<connections {
                // Threads: a blocking caller must not take the server's own places.
                Thread {
                    let outcome = Swift.Result { try Self.call(port, until: end, label: "\(label)-\(number)") }
                    let all = shared.add(outcome)
                    if all.count == connections { continuation.resume(returning: all) }
                }.start()
            }
        }
        var times: [UInt64] = []
        for outcome in outcomes { times += try outcome.get() }
        let elapsed = Double(DispatchTime.now().uptimeNanoseconds - begin) / 1e9
        return Result(pairs: times.count, seconds: elapsed, nanoseconds: times.sorted())
    }

    private final class Shared: Sendable {
        private let outcomes: Mutex<[Swift.Result<[UInt64], any Error>]>

        init(_ outcomes: consuming sending Mutex<[Swift.Result<[UInt64], any Error>]>) { self.outcomes = outcomes }

        func add(_ outcome: sending Swift.Result<[UInt64], any Error>) -> [Swift.Result<[UInt64], any Error>] {
            outcomes.withLock { outcomes in
                outcomes.append(outcome)
                return outcomes
            }
        }
    }

    /// One caller: answers how long each of its pairs took.
    private static func call(_ port: Int, until end: UInt64, label: String) throws -> [UInt64] {
        var connection = try HTTPConnection(port: port)
        var times: [UInt64] = []
        var now = DispatchTime.now().uptimeNanoseconds
        while now < end {
            let number = times.count
            let created = try connection.send(
                "POST",
                "/v1/payment_intents",
                "amount=\(2_000 + number % 1_000)&currency=usd&payment_method=pm_card_visa&payment_method_types[]=card",
                key: "\(label)-\(number)-create"
            )
            guard let id = id(in: created) else { throw HTTPConnection.Failure(description: "no payment intent") }
            let confirmed = try connection.send(
                "POST",
                "/v1/payment_intents/\(id)/confirm",
                key: "\(label)-\(number)-confirm"
            )
            guard confirmed.position(after: #""status": "succeeded""#.utf8) != nil else {
                throw HTTPConnection.Failure(description: "not paid: \(String(decoding: confirmed, as: UTF8.self))")
            }
            let after = DispatchTime.now().uptimeNanoseconds
            times.append(after - now)
            now = after
        }
        return times
    }

    private static func id(in body: [UInt8]) -> String? {
        guard let start = body.position(after: #""id": "pi_"#.utf8) else { return nil }
        return "pi_" + String(decoding: body[start...].prefix { $0 != UInt8(ascii: "\"") }, as: UTF8.self)
    }
}
