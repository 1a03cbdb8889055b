import ArgumentParser
import Expressions
import FlowEngine
import FlowServer

struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Events that runs wait for.",
        subcommands: [SendEvent.self]
    )

    struct SendEvent: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "send",
            abstract: "Sends an event to the runs that wait for it, now or later.",
            discussion: "A server has to run. With an idempotency key, sending again sends nothing."
        )
        @Argument(help: "The event's name, as app.yaml declares it.") var name: String
        @Argument(help: "The app's folder.") var app: String = "."
        @Option(help: "Which of the waiting runs are meant.") var key: String?
        @Option(help: "What they get, as JSON.") var payload = "null"
        @Option(help: "Tells a repetition from a further event.") var idempotencyKey: String?
        @OptionGroup var options: AppOptions

        func run() async throws {
            try await reporting {
                let data = try JSON.parse(payload)
                let folder = try options.usedDataFolder(of: app)
                let server = AdminClient(socket: AdminSocket.path(forDataFolder: folder))
                guard await server.isServing else {
                    throw CommandFailure("no server has this data open; start `runnel serve` first")
                }
                let receipt = try await server.sendEvent(name, key: key, data: data, idempotencyKey: idempotencyKey)
                Console.data("event \(receipt.id)" + (receipt.isRepeated ? " (sent before)" : ""))
            }
        }
    }
}
