import ArgumentParser
import Connections
import FlowEngine
import FlowServer
import Foundation

/// What every command that touches an app's data takes.
struct AppOptions: ParsableArguments {
    @Option(name: .customLong("data"), help: "The data folder; default: APP/.runnel")
    var data: String?
    @Option(help: "test or live; default: RUNNEL_MODE, else test")
    var mode: Mode?

    func dataFolder(of app: String) -> String {
        data ?? URL(filePath: app).appending(path: ".runnel").path
    }

    /// How a further command names the same data.
    func place(of app: String) -> String { data.map { "\(app) --data \($0)" } ?? app }

    /// The data folder, which must have been used before if `--data` names it: one that is mistyped must not be made.
    func usedDataFolder(of app: String) throws -> String {
        let folder = dataFolder(of: app)
        guard data == nil || FileManager.default.fileExists(atPath: folder + "/runnel.sqlite") else {
            throw CommandFailure(
                "--data \(folder): there is no data. Name the folder that `runnel serve` or `runnel run` was given, "
                    + "or leave --data out for \(URL(filePath: app).appending(path: ".runnel").relativePath)"
            )
        }
        return folder
    }

    /// Refuses what asks for another mode than the server has that would do it.
    ///
    /// An order meant for test mode must not reach live keys. Who names no mode takes the server's.
    func agree(with server: AdminClient) async throws {
        guard mode != nil || ProcessInfo.processInfo.environment["RUNNEL_MODE"]?.isEmpty == false else { return }
        let (asked, present) = (try effectiveMode(), try await server.status().mode)
        guard asked != present else { return }
        throw CommandFailure(
            "the server that has the data open runs in \(present.rawValue) mode, and \(asked.rawValue) is asked for; "
                + "nothing was done"
        )
    }

    func effectiveMode() throws -> Mode {
        if let mode { return mode }
        guard let word = ProcessInfo.processInfo.environment["RUNNEL_MODE"], !word.isEmpty else { return .test }
        guard let mode = Mode(rawValue: word) else {
            throw CommandFailure("RUNNEL_MODE is '\(word)'; it must be test or live")
        }
        return mode
    }
}

extension Mode: ExpressibleByArgument {}
