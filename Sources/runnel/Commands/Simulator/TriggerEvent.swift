import ArgumentParser
import Expressions

struct TriggerEvent: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trigger",
        abstract: "Makes an event happen, by the calls that lead to it.",
        discussion: """
            The switches are those of `stripe trigger`. STEP is the object that a call makes, PATH a parameter with dots:
              --override payment_intent:amount=4200 --add customer:metadata.shop=7 --remove price:recurring
            Without STEP the last call is meant. A name that is not known prints those that are.
            """
    )
    @Argument(help: "The event's type, such as payment_intent.succeeded.") var event: String
    @Option(help: ArgumentHelp("Another value for a parameter.", valueName: "[step:]path=value"))
    var override: [String] = []
    @Option(help: ArgumentHelp("A further parameter.", valueName: "[step:]path=value")) var add: [String] = []
    @Option(help: ArgumentHelp("A parameter to leave out.", valueName: "[step:]path")) var remove: [String] = []
    @OptionGroup var simulator: SimulatorControl

    func run() async throws {
        try await reporting {
            let answer = try await simulator.call(
                "POST",
                "trigger",
                [
                    "event": .string(event), "override": .list(override.map { .string($0) }),
                    "add": .list(add.map { .string($0) }), "remove": .list(remove.map { .string($0) }),
                ]
            )
            if simulator.json { return try Console.json(answer) }
            for made in answer["made"]?.listValue ?? [] {
                Console.data("\(made["step"]?.stringValue ?? "")  \(made["id"]?.stringValue ?? "")")
            }
        }
    }
}
