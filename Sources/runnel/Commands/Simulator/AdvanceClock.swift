import ArgumentParser
import Expressions

struct AdvanceClock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "advance",
        abstract: "Moves the simulator's clock forward; all that is due happens in order."
    )
    @Argument(help: "How far: 90s, 90m, 12h, 1d, 2w, or several together such as 1d12h.") var duration: String?
    @Option(help: "Until when, as 2027-01-31T00:00:00Z.") var to: String?
    @OptionGroup var simulator: SimulatorControl

    func validate() throws { _ = try target() }

    private func target() throws -> Value {
        switch (duration, to) {
        case (.some(let text), .none):
            guard let seconds = Self.seconds(in: text) else {
                throw ValidationError("'\(text)' is not a time to go forward by, such as 90m or 1d12h")
            }
            return ["seconds": .int(seconds)]
        case (.none, .some(let text)):
            guard let moment = Timestamp(rfc3339: text) else {
                throw ValidationError("'\(text)' is not a moment such as 2027-01-31T00:00:00Z")
            }
            return ["to": .int(moment.microseconds / 1_000_000)]
        default: throw ValidationError("say how far, or --to when")
        }
    }

    private static let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800]

    /// Whole seconds; nil for anything else than numbers that each carry a unit, and for more than 63 bits hold.
    static func seconds(in text: String) -> Int64? {
        var total: Int64 = 0
        var digits = ""
        for character in text {
            guard let unit = units[character] else {
                guard character.isASCII, character.isNumber else { return nil }
                digits.append(character)
                continue
            }
            guard let number = Int64(digits) else { return nil }
            let (product, tooLarge) = number.multipliedReportingOverflow(by: unit)
            let (sum, overflow) = total.addingReportingOverflow(product)
            guard !tooLarge, !overflow else { return nil }
            total = sum
            digits = ""
        }
        return digits.isEmpty && !text.isEmpty ? total : nil
    }

    func run() async throws {
        try await reporting {
            let answer = try await simulator.call("POST", "clock/advance", try target())
            if simulator.json { return try Console.json(answer) }
            Console.data(answer["now"]?.momentText ?? "-")
        }
    }
}
