import ArgumentParser

/// The payment feature of an app; each word has a file of its own in `Payments/`.
struct PaymentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payments",
        abstract: "The payment feature of an app.",
        subcommands: [Activate.self, Status.self, Deactivate.self, Reconcile.self, Rebind.self]
    )
}
