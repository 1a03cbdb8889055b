import Foundation

/// Why an app's files could not be read.
package struct AppFolderError: Error, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable {
        /// There is no such folder.
        case notFound
        /// The folder holds no `app.yaml`.
        case noApp
        /// The files together are larger than `Limits.appBytes`.
        case tooLarge
        /// There are more than `Limits.caseFiles` files of test cases.
        case tooManyCases
        /// A link in the app leads out of it.
        case leavesApp
        /// A file or folder could not be opened or read, or is none.
        case unreadable
    }

    package let code: Code
    /// The file or folder, as findings would print it.
    package let path: String

    package var description: String {
        switch code {
        case .notFound: "there is no folder '\(path)'"
        case .noApp: "'\(path)' holds no app.yaml"
        case .tooLarge: "the files of '\(path)' are larger than \(Limits.appBytes / 1_048_576) MiB together"
        case .tooManyCases: "'\(path)' holds more than \(Limits.caseFiles) files: put several cases into one"
        case .leavesApp: "'\(path)' is a link that leads out of the app"
        case .unreadable: "'\(path)' cannot be read"
        }
    }
}

/// Reads an app's files from the disk: `app.yaml`, `flows/*.yaml`, `code/*.js` and `code/lib/*.js`.
///
/// Nothing else of this target touches the disk.
package enum AppFolder {
    /// The files, `app.yaml` first, then the flows and the code by name.
    ///
    /// Of a file larger than `Limits.fileBytes` one byte more than that is read: enough for the compiler to refuse it.
    package static func read(_ path: String) throws(AppFolderError) -> [SourceFile] {
        let root = URL(fileURLWithPath: path, isDirectory: true).resolvingSymlinksInPath()
        guard type(of: root) == .typeDirectory else { throw AppFolderError(code: .notFound, path: path) }
        let prefix = path == "." || path.isEmpty ? "" : path.hasSuffix("/") ? path : path + "/"
        guard exists(root.appendingPathComponent("app.yaml")) else { throw AppFolderError(code: .noApp, path: path) }
        var names = ["app.yaml"]
        // One more than allowed, so that the compiler can say that there are too many.
        names += try Self.names(in: "flows", of: root, endings: yaml).prefix(Limits.flowFiles + 1)
        for folder in ["code", "code/lib"] {
            names += try Self.names(in: folder, of: root, endings: [".js"]).prefix(Limits.flowFiles)
        }
        var files: [SourceFile] = []
        var total = 0
        for name in names {
            let bytes = try read(root.appendingPathComponent(name), below: root, shownAs: prefix + name)
            total += bytes.count
            guard total <= Limits.appBytes else { throw AppFolderError(code: .tooLarge, path: path) }
            files.append(SourceFile(path: prefix + name, bytes: bytes))
        }
        return files
    }

    /// The test cases, `tests/*.yaml`, by name; none for an app without that folder.
    package static func readTests(_ path: String) throws(AppFolderError) -> [SourceFile] {
        let root = URL(fileURLWithPath: path, isDirectory: true).resolvingSymlinksInPath()
        let prefix = path == "." || path.isEmpty ? "" : path.hasSuffix("/") ? path : path + "/"
        let names = try names(in: "tests", of: root, endings: yaml)
        guard names.count <= Limits.caseFiles else { throw AppFolderError(code: .tooManyCases, path: prefix + "tests") }
        var files: [SourceFile] = []
        for name in names {
            let bytes = try read(root.appendingPathComponent(name), below: root, shownAs: prefix + name)
            files.append(SourceFile(path: prefix + name, bytes: bytes))
        }
        return files
    }

    /// One file of the app, named from its folder, such as a body that a test case sends.
    ///
    /// Of a larger one, one byte more than `limit`.
    package static func readFile(
        _ name: String,
        of path: String,
        limit: Int = Limits.fileBytes
    ) throws(AppFolderError) -> [UInt8] {
        let root = URL(fileURLWithPath: path, isDirectory: true).resolvingSymlinksInPath()
        return try read(root.appendingPathComponent(name), below: root, shownAs: name, limit: limit)
    }

    private static func type(of url: URL) -> FileAttributeType? {
        // A missing file has no type: that is an answer, not a failure.
        (try? FileManager.default.attributesOfItem(atPath: url.path))?[.type] as? FileAttributeType
    }

    private static func exists(_ url: URL) -> Bool { type(of: url) != nil }

    private static let yaml = [".yaml", ".yml"]

    /// The files with these endings in a folder of the app, from the app's own; none where there is no such folder.
    private static func names(
        in folder: String,
        of root: URL,
        endings: [String]
    ) throws(AppFolderError) -> [String] {
        let place = root.appendingPathComponent(folder)
        guard exists(place) else { return [] }
        // Flows that cannot be seen are not "no flows".
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: place.path) else {
            throw AppFolderError(code: .unreadable, path: folder)
        }
        return names.filter { name in !name.hasPrefix(".") && endings.contains { name.hasSuffix($0) } }
            .sorted().map { "\(folder)/\($0)" }
    }

    private static func read(
        _ url: URL,
        below root: URL,
        shownAs path: String,
        limit: Int = Limits.fileBytes
    ) throws(AppFolderError) -> [UInt8] {
        let resolved = url.resolvingSymlinksInPath()
        guard resolved.path.hasPrefix(root.path.hasSuffix("/") ? root.path : root.path + "/") else {
            throw AppFolderError(code: .leavesApp, path: path)
        }
        // A pipe or a device could keep the reader waiting for ever.
        guard type(of: resolved) == .typeRegular else { throw AppFolderError(code: .unreadable, path: path) }
        do {
            let handle = try FileHandle(forReadingFrom: resolved)
            defer { try? handle.close() }  // Nothing was written; a failure to close loses nothing.
            return [UInt8](try handle.read(upToCount: limit + 1) ?? Data())
        } catch {
            throw AppFolderError(code: .unreadable, path: path)
        }
    }
}
