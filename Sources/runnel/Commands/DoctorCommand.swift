import ArgumentParser
import Connections
import FlowEngine
import FlowLanguage
import FlowServer
import FlowStores
import Foundation
import HTTPTransport

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Looks at what Runnel stands on: libraries, the app, its key, its data, its server."
    )

    @Argument(help: "The app's folder.") var app: String = "."
    @OptionGroup var options: AppOptions

    func run() async throws {
        var isWell = true
        func line(_ good: Bool, _ what: String, _ text: String) {
            if !good { isWell = false }
            Console.data("\(good ? "ok " : "BAD")  \(what): \(text)")
        }
        line(true, "runnel", RunnelCommand.configuration.version)
        line(true, "libsqlite3", SQLiteStore.libraryVersion)
        line(true, "libcurl", HTTPClient.libraryVersion)
        line(true, "libyaml", AppCompiler.yamlLibraryVersion)
        for wall in await CodeRuntime.walls() { line(wall.isWell, "code", wall.text) }
        do {
            let compilation = try AppLoading.compile(app).compilation
            let errors = compilation.diagnostics.filter { $0.severity == .error }.count
            line(errors == 0, "app", errors == 0 ? "\(app) has no errors" : "\(errors) errors; `runnel check \(app)`")
        } catch {
            line(false, "app", "\(error)")
        }
        var hasKey = false
        do {
            let file = try KeyLocation.file(forApp: app)
            line(true, "key", "\(try file.read()) in \(file.path)")
            hasKey = true
        } catch {
            line(false, "key", "\(error)")
        }
        do {
            line(true, "mode", try options.effectiveMode().rawValue)
        } catch {
            line(false, "mode", "\(error)")
        }
        let folder = options.dataFolder(of: app)
        do {
            let status = try await AdminClient(socket: AdminSocket.path(forDataFolder: folder)).status()
            let state = status.isReady ? "" : ": not ready, it takes no writes (its log says why)"
            line(
                status.isReady,
                "server",
                "pid \(status.processID), port \(status.port ?? 0), \(status.mode.rawValue)\(state)"
            )
        } catch {
            line(true, "server", "none runs")
            guard FileManager.default.fileExists(atPath: folder) else {
                line(true, "data", "none yet in \(folder)")
                if !isWell { throw Exit.unable }
                return
            }
            // Without a key, opening would make one.
            guard hasKey else { throw Exit.unable }
            do {
                let opened = try await OpenedApp.open(app, options: options)
                defer { opened.store.close() }
                line(true, "data", "\(folder), and the key opens its secrets")
                for finding in try await opened.store.integrityCheck() { line(false, "data", finding) }
            } catch {
                line(false, "data", "\(error)")
            }
        }
        if !isWell { throw Exit.unable }
    }
}
