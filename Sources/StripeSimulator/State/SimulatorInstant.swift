/// A moment on the simulator's clock: milliseconds since 1970, UTC.
package struct SimulatorInstant: Sendable, Hashable, Comparable {
    package var milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }
    package init(seconds: Int64) { self.milliseconds = seconds * 1_000 }

    /// Whole seconds, as Stripe's timestamps count.
    package var seconds: Int64 { milliseconds / 1_000 }

    /// The second as five characters, for ids: those of another time differ (for 29 years).
    var idCode: String {
        var value = UInt64(clamping: seconds)
        var text: [UInt8] = []
        for _ in 0..<5 {
            text.append(SeededGenerator.alphabet[Int(value % 62)])
            value /= 62
        }
        return String(decoding: text.reversed(), as: UTF8.self)
    }

    package static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    package func adding(milliseconds delta: Int64) -> SimulatorInstant {
        let (sum, overflow) = milliseconds.addingReportingOverflow(delta)
        return SimulatorInstant(milliseconds: overflow ? .max : sum)
    }

    package func adding(seconds delta: Int64) -> SimulatorInstant {
        let (product, overflow) = delta.multipliedReportingOverflow(by: 1_000)
        return adding(milliseconds: overflow ? .max / 2 : product)
    }
}

/// The simulator's clock: real time plus what it was advanced by, or a time that only advances.
///
/// It never asks for the time; ``observe(_:)`` tells it.
struct VirtualClock: Sendable, Equatable {
    private(set) var now: SimulatorInstant
    /// Whether it follows real time.
    private(set) var runs: Bool
    private var offset: Int64 = 0
    private var isAnchored: Bool
    private var real: SimulatorInstant?

    /// The moment at which something is sent: of real time where it is known, however far the clock was advanced.
    ///
    /// Whoever checks a web hook's stamp holds it against a clock of their own, as with Stripe's test clocks.
    var sendingTime: SimulatorInstant { real ?? now }

    /// - Parameters:
    ///   - start: the first moment; nil is the first real time observed.
    ///   - runs: whether it goes on with real time from there.
    init(start: SimulatorInstant?, runs: Bool) {
        now = start ?? SimulatorInstant(milliseconds: 0)
        self.runs = runs || start == nil
        isAnchored = start == nil
    }

    /// Takes notice of real time.
    ///
    /// The clock never goes back.
    mutating func observe(_ real: SimulatorInstant) {
        self.real = real
        guard runs else { return }
        if !isAnchored {
            offset = now.milliseconds - real.milliseconds
            isAnchored = true
        }
        now = max(now, real.adding(milliseconds: offset))
    }

    mutating func advance(to target: SimulatorInstant) {
        guard target > now else { return }
        offset += target.milliseconds - now.milliseconds
        now = target
    }
}
