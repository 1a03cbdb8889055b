import ArgumentParser
import Connections
import Expressions
import FlowServer

struct SecretsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets",
        abstract: "Keys and signing secrets, sealed at rest.",
        subcommands: [SetSecret.self, ListSecrets.self, RemoveSecret.self, RotateKey.self]
    )

    struct SetSecret: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set",
            abstract: "Sets a secret, typed unseen or piped in.",
            discussion: """
                Names: CONNECTION.test|live.secretKey, .publishableKey, .webhookSecret, .apiKey; hooks.FLOW.secret signs \
                the deliveries to a flow's own web hook (auth: hmac, standard-webhooks). While a web hook's secret \
                is rolled, set the old and the new one, separated by a comma: events signed with either are taken \
                (auth: hmac: if each has 16 bytes at least).
                """
        )
        @Argument(help: "The secret's name, such as stripe.test.secretKey.") var name: String
        @Argument(help: "The app's folder.") var app: String = "."
        @OptionGroup var options: AppOptions

        func run() async throws {
            try await reporting {
                guard let text = try Console.secret(prompt: "\(name): "), !text.isEmpty else {
                    throw CommandFailure("no secret was given; type it, or pipe it in")
                }
                try await AppAdministration.perform(app, options, makesData: true) {
                    try await $0.setSecret(name, to: Secret(text))
                }
                Console.note("\(name) is set")
            }
        }
    }

    struct ListSecrets: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "list", abstract: "The names that are set.")
        @Argument(help: "The app's folder.") var app: String = "."
        @OptionGroup var options: AppOptions
        @Flag(help: "As JSON.") var json = false

        func run() async throws {
            try await reporting {
                let names = try await AppAdministration.perform(app, options) { try await $0.secretNames() }
                if json {
                    try Console.json(.list(names.map { .string($0) }))
                } else {
                    for name in names { Console.data(name) }
                }
            }
        }
    }

    struct RemoveSecret: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "remove", abstract: "Forgets a secret.")
        @Argument(help: "The secret's name.") var name: String
        @Argument(help: "The app's folder.") var app: String = "."
        @OptionGroup var options: AppOptions

        func run() async throws {
            try await reporting {
                try await AppAdministration.perform(app, options) { try await $0.removeSecret(name) }
                Console.note("\(name) is gone")
            }
        }
    }
}
