import Foundation
import SampleApps

/// Writes an app's files into a new folder.
enum AppWriter {
    /// Keeps the app's data, sealed secrets among it, out of a repository.
    private static let ignored = ".runnel/\n"

    /// - Throws: `CommandFailure` if the folder holds an app already.
    static func write(_ app: SampleApp, to folder: String) throws {
        let base = URL(filePath: folder)
        guard !FileManager.default.fileExists(atPath: base.appending(path: "app.yaml").path) else {
            throw CommandFailure("\(folder) holds an app.yaml already")
        }
        for file in app.files {
            let target = base.appending(path: file.path)
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(file.contents).write(to: target)
        }
        let ignore = base.appending(path: ".gitignore")
        if !FileManager.default.fileExists(atPath: ignore.path) { try Data(ignored.utf8).write(to: ignore) }
    }
}
