import ArgumentParser

struct SimulatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulator",
        abstract: "A Stripe for the desk: stateful, offline, with signed web hooks.",
        discussion: """
            Without a further word it serves. The other words speak with one that runs, over its /_simulator operations.
            Any key of the form sk_test_… is an account's. Nothing is kept when it stops; see `export`.
            """,
        subcommands: [
            ServeSimulator.self, TriggerEvent.self, AdvanceClock.self, ResetSimulator.self, SimulatorFaults.self,
            ListEvents.self, ResendEvent.self, ExportState.self, ImportState.self,
        ],
        defaultSubcommand: ServeSimulator.self
    )
}
