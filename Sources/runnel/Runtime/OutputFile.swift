import Foundation

/// Files that a command writes where it is told to.
enum OutputFile {
    /// - Throws: `CommandFailure` that names the file and the reason.
    static func write(_ bytes: some Sequence<UInt8>, to path: String) throws {
        do {
            try Data(bytes).write(to: URL(filePath: path))
        } catch {
            throw CommandFailure("\(path) cannot be written: \(reason(of: error, path))")
        }
    }

    /// Makes a folder and those above it, unless they are there.
    static func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(at: URL(filePath: path), withIntermediateDirectories: true)
        } catch {
            throw CommandFailure("the folder \(path) cannot be made: \(reason(of: error, path))")
        }
    }

    /// The system's words for an error number.
    static func reason(_ code: Int32) -> String { String(cString: strerror(code)).lowercased() }

    private static func reason(of error: any Error, _ path: String) -> String {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) {
            return isFolder.boolValue ? "it is a folder" : "a file is there, or you may not write it"
        }
        let folder = URL(filePath: path).deletingLastPathComponent().path
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else {
            return "there is no folder \(folder)"
        }
        if !isFolder.boolValue { return "\(folder) is no folder" }
        return (error as? CocoaError)?.code == .fileWriteOutOfSpace
            ? "the disk is full" : "you may not write in \(folder)"
    }
}
