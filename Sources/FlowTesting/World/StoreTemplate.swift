import FlowLanguage
package import Foundation
import FlowStores

/// An empty store of an app, made once and copied for each case: migrating a file costs more than a case.
struct StoreTemplate: Sendable {
    private let file: Data

    /// Makes the store in `folder`, which is removed afterwards.
    init(app: App, in folder: URL) throws {
        defer { try? FileManager.default.removeItem(at: folder) }  // What stays behind is a folder for temporary files.
        let store = try SQLiteStore(folder: folder.path, tables: app.tables)
        store.close()
        file = try Data(contentsOf: folder.appending(path: Self.name))
    }

    private static let name = "runnel.sqlite"

    /// Writes a store into a folder that is not there yet.
    func write(to folder: URL) throws {
        try FileManager.default.createDirectory(
            at: folder,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        let path = folder.appending(path: Self.name)
        try file.write(to: path)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path.path)
    }
}

/// Where the files of test cases are: in memory where the machine has a place for it, else below the temporary folder.
package enum TestFolder {
    package static func fresh(_ name: String) -> URL {
        let memory = URL(filePath: "/dev/shm")
        let base =
            FileManager.default.isWritableFile(atPath: memory.path) ? memory : FileManager.default.temporaryDirectory
        let process = ProcessInfo.processInfo.processIdentifier
        return base.appending(path: "runnel-test-\(process)").appending(path: name)
    }
}
