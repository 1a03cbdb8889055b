import ArgumentParser
import Expressions

struct ListEvents: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "What happened, oldest first, with what became of each web hook."
    )
    @Option(help: "How many at the most, the latest of each account and mode.") var limit: Int64 = 100
    @OptionGroup var simulator: SimulatorControl

    func validate() throws {
        guard limit >= 0 else { throw ValidationError("--limit is not below 0") }
    }

    func run() async throws {
        try await reporting {
            let answer = try await simulator.call("GET", "events?limit=\(limit)")
            if simulator.json { return try Console.json(answer) }
            for event in answer["events"]?.listValue ?? [] {
                let words = ["id", "created", "type", "object"].map { name in
                    name == "created" ? event[name]?.momentText ?? "-" : event[name]?.stringValue ?? "-"
                }
                let deliveries = (event["deliveries"]?.listValue ?? []).map { delivery in
                    let status = delivery["attempts"]?.listValue?.last?["status"]?.intValue.map { " \($0)" } ?? ""
                    return "\(delivery["state"]?.stringValue ?? "")\(status)"
                }
                Console.data((words + deliveries).joined(separator: "  "))
            }
        }
    }
}

struct ResendEvent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resend",
        abstract: "Sends an event again to all endpoints."
    )
    @Argument(help: "The event's id, as `events` shows it.") var event: String
    @OptionGroup var simulator: SimulatorControl

    func validate() throws {
        guard event.hasPrefix("evt_"), event.utf8.allSatisfy({ $0 == 0x5F || ($0 < 0x80 && Self.isPlain($0)) }) else {
            throw ValidationError("'\(event)' is not an event's id: evt_…")
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    func run() async throws {
        try await reporting {
            let answer = try await simulator.call("POST", "events/\(event)/resend")
            if simulator.json { return try Console.json(answer) }
            Console.data("\(answer["id"]?.stringValue ?? event)  \(answer["type"]?.stringValue ?? "")")
        }
    }
}
