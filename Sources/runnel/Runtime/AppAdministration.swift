import FlowServer
import FlowStores
import Foundation

/// The same words with and without a running server: asks the server that has the data open, else opens it.
enum AppAdministration {
    static func perform<Result>(
        _ app: String,
        _ options: AppOptions,
        makesData: Bool = false,
        _ body: (any Administering) async throws -> Result
    ) async throws -> Result {
        let folder = options.dataFolder(of: app)
        let client = AdminClient(socket: AdminSocket.path(forDataFolder: folder))
        if await client.isServing { return try await body(client) }
        let opened = try await OpenedApp.open(app, options: options, makesData: makesData)
        defer { opened.store.close() }
        return try await body(opened.administration)
    }
}
