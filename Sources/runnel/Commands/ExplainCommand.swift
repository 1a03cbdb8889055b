import ArgumentParser
import FlowLanguage

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tells the cause and the remedy of a finding's code."
    )

    @Argument(help: "The code between the brackets of error[…].") var code: String

    func run() async throws {
        try await reporting {
            guard let text = FindingExplanations.explain(code) else {
                throw CommandFailure("no finding has the code '\(code)'")
            }
            Console.data(text)
        }
    }
}
