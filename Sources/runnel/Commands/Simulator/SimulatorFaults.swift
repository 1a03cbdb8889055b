import ArgumentParser
import Expressions

struct SimulatorFaults: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults",
        abstract: "Trouble on demand, by rule.",
        subcommands: [ListFaults.self, AddFault.self, ClearFaults.self],
        defaultSubcommand: ListFaults.self
    )

    struct ListFaults: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "The rules, in their order.")
        @OptionGroup var simulator: SimulatorControl

        func run() async throws {
            try await reporting { try SimulatorFaults.show(try await simulator.call("GET", "faults"), simulator.json) }
        }
    }

    struct AddFault: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add",
            abstract: "Adds a rule after those that are there.",
            discussion: """
                For requests: answer (with --status), tear_before and tear_after (the connection breaks before or after
                the request was carried out), slow (with --delay-ms).
                For web hooks: duplicate, drop, delay (with --delay-ms), reorder.
                """
        )
        @Argument(help: "What happens.") var action: String
        @Option(help: "The status to answer with, such as 429, 500 or 503.") var status: Int64?
        @Option(help: "Milliseconds to hold back.") var delayMs: Int64?
        @Option(help: "Only requests with this method.") var method: String?
        @Option(help: "Only requests whose path begins so, such as /v1/refunds.") var path: String?
        @Option(help: "Only web hooks whose event begins so, such as invoice.") var event: String?
        @Option(help: "How many matches to let pass first.") var skip: Int64?
        @Option(help: "How many matches to hit; without it, all.") var times: Int64?
        @Option(help: "The share of the matches to hit, 0 to 1, drawn from the seed.") var probability: Double?
        @OptionGroup var simulator: SimulatorControl

        func run() async throws {
            try await reporting {
                var rule: ValueMap = ["action": .string(action)]
                for (name, number) in [
                    ("status", status), ("delay_ms", delayMs), ("skip", skip), ("times", times),
                ] {
                    if let number { rule[name] = .int(number) }
                }
                for (name, text) in [("method", method), ("path", path), ("event", event)] {
                    if let text { rule[name] = .string(text) }
                }
                if let probability { rule["probability"] = .double(probability) }
                let answer = try await simulator.call("POST", "faults", .map(rule))
                try SimulatorFaults.show(answer, simulator.json)
            }
        }
    }

    struct ClearFaults: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "clear", abstract: "Takes all rules away.")
        @OptionGroup var simulator: SimulatorControl

        func run() async throws {
            try await reporting {
                try SimulatorFaults.show(try await simulator.call("DELETE", "faults"), simulator.json)
            }
        }
    }

    private static func show(_ answer: Value, _ json: Bool) throws {
        if json { return try Console.json(answer) }
        for rule in answer["rules"]?.listValue ?? [] {
            let words = ["status", "delay_ms", "method", "path", "event", "skip", "times", "probability"].compactMap {
                name in rule[name].flatMap { $0.isNull ? nil : "\(name)=\(text(of: $0))" }
            }
            Console.data(([rule["action"]?.stringValue ?? ""] + words).joined(separator: "  "))
        }
    }

    private static func text(of value: Value) -> String {
        value.stringValue ?? value.intValue.map { "\($0)" } ?? value.doubleValue.map { "\($0)" } ?? ""
    }
}
