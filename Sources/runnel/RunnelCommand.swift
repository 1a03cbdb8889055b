import ArgumentParser

/// `runnel`: parse, call one function, print a report, choose an exit code.
@main
struct RunnelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runnel",
        abstract: "Runs no-code flows: durably, exactly once, with payments.",
        discussion: """
            Start with `runnel demo`, then `runnel init my-app`.
            Exit codes: 0 done · 1 the flow or test failed · 2 could not be done · 3 findings · 64 wrong usage.
            """,
        version: "0.1.0",
        subcommands: [
            InitCommand.self,
            CheckCommand.self,
            GraphCommand.self,
            TestCommand.self,
            TortureCommand.self,
            RunCommand.self,
            ServeCommand.self,
            SimulatorCommand.self,
            PaymentsCommand.self,
            TablesCommand.self,
            SecretsCommand.self,
            TokenCommand.self,
            RunsCommand.self,
            EventsCommand.self,
            BackupCommand.self,
            ReplayCommand.self,
            CapsuleCommand.self,
            EvalCommand.self,
            CodeCommand.self,
            ExplainCommand.self,
            DoctorCommand.self,
            DemoCommand.self,
        ]
    )
}
