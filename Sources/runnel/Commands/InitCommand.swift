import ArgumentParser
import SampleApps

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Writes a new app, the sample shop, and the key that seals its secrets."
    )

    @Argument(help: "The new app's folder.") var app: String

    func run() async throws {
        try await reporting {
            try AppWriter.write(SampleApp.shop, to: app)
            let key = try KeyLocation.makeIfMissing(forApp: app)
            Console.note(
                """
                \(app) is a shop with card payments. Its secrets will be sealed with \(key).
                Next:
                  runnel check \(app)
                  runnel test \(app)                its test cases, offline; break a flow and see
                  runnel run \(app) add-product --input '{"name": "Mug", "price": 1299}'
                  runnel demo                     the whole story, offline
                """
            )
        }
    }
}
