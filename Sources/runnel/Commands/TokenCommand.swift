import ArgumentParser
import Expressions
import FlowEngine
import FlowServer

struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Callers' bearer tokens; kept hashed.",
        subcommands: [CreateToken.self, ListTokens.self, RevokeToken.self]
    )

    struct CreateToken: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create",
            abstract: "Makes a token and prints it, this once."
        )
        @Argument(help: "The app's folder.") var app: String = "."
        @Option(help: "A role of the app; may be given again.") var role: [String]
        @Option(help: "Who the caller is, such as ann@example.com; flows see it as run.caller.id.") var id: String
        @OptionGroup var options: AppOptions
        @Flag(help: "As JSON, with the id that revokes it.") var json = false

        func run() async throws {
            try await reporting {
                let caller = Caller(id: id, roles: role)
                let issued = try await AppAdministration.perform(app, options, makesData: true) {
                    try await $0.createToken(for: caller)
                }
                if json {
                    try Console.json(["id": .string(issued.summary.id), "token": .string(issued.text)])
                } else {
                    Console.data(issued.text)
                }
            }
        }
    }

    struct ListTokens: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "All tokens, without their text."
        )
        @Argument(help: "The app's folder.") var app: String = "."
        @OptionGroup var options: AppOptions
        @Flag(help: "As JSON.") var json = false

        func run() async throws {
            try await reporting {
                let tokens = try await AppAdministration.perform(app, options) { try await $0.tokens() }
                if json {
                    try Console.json(.list(tokens.map(\.value)))
                    return
                }
                for token in tokens {
                    let state = token.revokedAt.map { "revoked \($0.rfc3339)" } ?? "valid"
                    let roles = token.caller.roles.joined(separator: ",")
                    Console.data(
                        "\(token.id)  \(token.caller.id ?? "")  \(roles)  \(token.createdAt.rfc3339)  \(state)"
                    )
                }
            }
        }
    }

    struct RevokeToken: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "revoke", abstract: "Ends a token.")
        @Argument(help: "The token's id, as `list` shows it.") var token: String
        @Argument(help: "The app's folder.") var app: String = "."
        @OptionGroup var options: AppOptions

        func run() async throws {
            try await reporting {
                try await AppAdministration.perform(app, options) { try await $0.revokeToken(id: token) }
                Console.note("\(token) is revoked")
            }
        }
    }
}
