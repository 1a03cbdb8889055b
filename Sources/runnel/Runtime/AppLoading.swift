import FlowLanguage
import Payments

/// From a folder to a checked app.
enum AppLoading {
    struct Loaded {
        let sources: [SourceFile]
        var compilation: AppCompilation
    }

    static func compile(_ folder: String) throws -> Loaded {
        let sources = try AppFolder.read(folder)
        return Loaded(
            sources: sources,
            compilation: AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(sources)
        )
    }

    /// Payments without their callbacks would take money and mark no order paid.
    static func warnOfMissingCallbacks(_ app: App) {
        guard app.payments != nil, app.flows(on: .paymentCompleted).isEmpty else { return }
        Console.note(
            "warning: `payments:` is on, but no flow has the trigger `payment: completed`: nothing marks an order paid."
        )
        Console.note("         `runnel payments activate` writes the callback actionflows.")
    }

    /// The app, or its findings on standard error and exit code 3.
    ///
    /// `writesCallbacks`: the command is the one that a warning of missing callbacks would name.
    static func app(in folder: String, writesCallbacks: Bool = false) throws -> (app: App, sources: [SourceFile]) {
        let loaded = try compile(folder)
        guard let app = loaded.compilation.app else {
            Console.note(DiagnosticRenderer.render(loaded.compilation.diagnostics, sources: loaded.sources))
            throw Exit.findings
        }
        if !writesCallbacks { warnOfMissingCallbacks(app) }
        return (app, loaded.sources)
    }
}
