import Crypto
import Foundation

/// The file that holds an app's ``MasterKey``: 32 bytes in base64, one line, readable by its owner alone.
///
/// It lies outside the app's folder, so that neither a copy of the app nor a backup of its data carries it along.
package struct KeyFile: Sendable, Hashable {
    /// Absolute, or relative to the working directory if the environment said so.
    package let path: String

    /// The file at a path, which need not exist.
    package init(path: String) {
        self.path = path
    }

    /// Where the key of an app is kept.
    ///
    /// `RUNNEL_KEY_FILE` if set; else `runnel/key-<folder's name>-<12 hexadecimal digits of its path's hash>` in
    /// `XDG_CONFIG_HOME` if that is an absolute path, else in `.config` of `HOME`. An app that is moved therefore needs
    /// its key file moved, or `RUNNEL_KEY_FILE`.
    ///
    /// - Throws: `.keyFileMisplaced` if that is inside the app, or if there is no home to keep it in.
    package init(appFolder: String, environment: [String: String]) throws(SecretError) {
        let app = Self.canonical(appFolder)
        if let chosen = environment["RUNNEL_KEY_FILE"], !chosen.isEmpty {
            path = chosen
        } else {
            let folder = try Self.configurationFolder(environment)
            let hash = SHA256.hash(data: Data(app.utf8)).withUnsafeBytes { hexadecimal($0.prefix(6)) }
            let name = app.split(separator: "/").last.map(String.init) ?? "app"
            path = "\(folder)/runnel/key-\(Self.plain(name))-\(hash)"
        }
        let place = Self.canonical(path)
        guard place != app, !place.hasPrefix(app == "/" ? app : app + "/") else {
            let remedy = "the key file must lie outside the app, or whoever gets a copy of the app gets its secrets"
            throw SecretError(.keyFileMisplaced, subject: path, remedy: remedy)
        }
    }

    /// Reads the key.
    ///
    /// - Throws: `.keyFileMissing`, `.keyFileExposed`, `.keyFileMalformed`, `.keyFileUnusable`.
    package func read() throws(SecretError) -> MasterKey {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR {
                throw failure(
                    .keyFileMissing,
                    "no key file; `runnel init` makes one, RUNNEL_KEY_FILE names another place"
                )
            }
            throw failure(.keyFileUnusable, "cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw failure(.keyFileUnusable, "is not a file")
        }
        guard facts.st_mode & 0o077 == 0, facts.st_uid == geteuid() || facts.st_uid == 0 else {
            throw failure(.keyFileExposed, "others may read it; `chmod 600` it, and rotate the key if it was seen")
        }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = bytes.withUnsafeMutableBytes { Foundation.read(descriptor, $0.baseAddress, $0.count) }
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        guard let data = Data(base64Encoded: text.trimmingCharacters(in: .whitespacesAndNewlines)),
            let key = MasterKey(bytes: Array(data))
        else { throw failure(.keyFileMalformed, "does not hold 32 bytes in base64") }
        return key
    }

    /// Writes a new file with mode 0600, whole or not at all, and its folder with mode 0700 if that is missing.
    ///
    /// On disk when this returns. A file that is there already is never replaced.
    ///
    /// - Throws: `.keyFileExists`, `.keyFileUnusable`.
    package func create(_ key: MasterKey) throws(SecretError) {
        let folder = Self.folder(of: path)
        try makeFolder(folder)
        // Written beside and then linked: link(2) refuses an existing name, and no reader meets half a file.
        // mkstemp makes a name of its own for each caller, exclusively and with mode 0600.
        var template = Array("\(path).XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw systemFailure("cannot be written") }
        let draft = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { unlink(draft) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        let line = Array((Data(key.bytes).base64EncodedString() + "\n").utf8)
        let isWritten = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) == $0.count }
        guard isWritten, fchmod(descriptor, 0o600) == 0, fsync(descriptor) == 0 else {
            close(descriptor)
            throw systemFailure("cannot be written")
        }
        close(descriptor)
        guard link(draft, path) == 0 else {
            if errno == EEXIST { throw failure(.keyFileExists, "is there already; it was not changed") }
            throw systemFailure("cannot be written")
        }
        try synchronize(folder)
    }

    /// The key of the file, which is made with a new key if it is missing.
    ///
    /// - Throws: as ``read()`` and ``create(_:)``, `.keyFileExists` excepted.
    package func readOrCreate() throws(SecretError) -> MasterKey {
        do {
            return try read()
        } catch {
            guard error.code == .keyFileMissing else { throw error }
        }
        do {
            try create(MasterKey())
        } catch {
            // If another process was faster, its key counts.
            guard error.code == .keyFileExists else { throw error }
        }
        return try read()
    }

    /// Takes another key file's place; the last act of a rotation, after ``SecretVault/rotate(to:)``.
    ///
    /// The other key is kept: a backup, or another app with the same key file, may hold what it sealed.
    ///
    /// - Returns: Where the other key is now: at its path with `.` and its id behind.
    /// - Throws: As ``read()``, or `.keyFileUnusable`; both files are then as before.
    package func replace(_ other: KeyFile) throws(SecretError) -> KeyFile {
        let kept = KeyFile(path: "\(other.path).\(try other.read().id)")
        guard link(other.path, kept.path) == 0 || errno == EEXIST else { throw other.systemFailure("cannot be kept") }
        guard rename(path, other.path) == 0 else { throw systemFailure("cannot be renamed") }
        try synchronize(Self.folder(of: other.path))
        return kept
    }

    private func makeFolder(_ folder: String) throws(SecretError) {
        do {
            let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: attributes
            )
        } catch {
            throw failure(.keyFileUnusable, "its folder cannot be made")
        }
    }

    /// Makes a new name in a folder survive a power failure.
    private func synchronize(_ folder: String) throws(SecretError) {
        let descriptor = open(folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw systemFailure("its folder cannot be read") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw systemFailure("its folder cannot be synchronized") }
    }

    private func failure(_ code: SecretError.Code, _ remedy: String) -> SecretError {
        SecretError(code, subject: path, remedy: remedy)
    }

    private func systemFailure(_ remedy: String) -> SecretError {
        let reason = String(cString: strerror(errno))
        return failure(.keyFileUnusable, "\(remedy): \(reason)")
    }

    private static func configurationFolder(_ environment: [String: String]) throws(SecretError) -> String {
        if let folder = environment["XDG_CONFIG_HOME"], folder.hasPrefix("/") { return folder }
        if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.config" }
        let remedy = "neither XDG_CONFIG_HOME nor HOME is an absolute path; set RUNNEL_KEY_FILE"
        throw SecretError(.keyFileMisplaced, subject: "", remedy: remedy)
    }

    private static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// Absolute, without `.`, `..` and symbolic links; what does not exist yet stands as it is written.
    private static func canonical(_ path: String) -> String {
        let start = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        var parts: [Substring] = []
        // One step after the other, as the system resolves a path: `..` leaves the folder that a link led to.
        for part in start.split(separator: "/") where part != "." {
            if part == ".." {
                _ = parts.popLast()
                continue
            }
            let next = "/" + (parts + [part]).joined(separator: "/")
            if let resolved = realpath(next, nil) {
                parts = String(cString: resolved).split(separator: "/")
                free(resolved)
            } else {
                parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// A folder's name as a part of a file's: what is not a letter, digit, `.`, `_` or `-` becomes `-`.
    private static func plain(_ name: String) -> String {
        String(name.prefix(40).map { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) ? $0 : "-" })
    }
}
