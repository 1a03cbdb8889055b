import Crypto
import Foundation

/// The unix socket through which commands reach a running server: only its owner can open it.
package enum AdminSocket {
    /// What the kernel takes, with the closing zero: 108 bytes on Linux, 104 on macOS.
    private static let longestPath = 103
    /// What the folders begin with that hold the sockets of long data folders, one of each user.
    static let sharedFolder = "/tmp/runnel-"

    /// The socket's path for a data folder: `admin.sock` in it, or, when that is too long for the kernel, a place
    /// named after the folder in a folder of this user below `/tmp`.
    ///
    /// The server and the commands both ask here, so that they meet.
    package static func path(forDataFolder folder: String) -> String {
        let absolute = URL(fileURLWithPath: folder).standardizedFileURL.path
        let direct = absolute + "/admin.sock"
        if direct.utf8.count <= longestPath { return direct }
        let name = SHA256.hash(data: Array(absolute.utf8)).prefix(12)
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        return "\(sharedFolder)\(getuid())/\(name).sock"
    }

    /// Makes sure that nobody else can put a socket at `path` or open the one that will be there.
    ///
    /// New files of this process are its owner's alone from here on: the socket exists for a moment before its mode
    /// can be set, and no such moment may let anyone in.
    /// - Throws: `.unavailable` when the folder is not this user's alone or `path` is something other than a socket.
    static func prepare(at path: String) throws(AdministrationError) {
        guard path.utf8.count <= longestPath else {
            throw AdministrationError(.unavailable, "the path of the admin socket is too long: \(path)")
        }
        umask(0o077)
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw AdministrationError(.unavailable, "cannot make the folder \(folder)")
        }
        var status = stat()
        guard lstat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
            status.st_mode & 0o022 == 0
        else {
            throw AdministrationError(.unavailable, "the folder \(folder) must be this user's, writable by nobody else")
        }
        if lstat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFSOCK, unlink(path) == 0 else {
                throw AdministrationError(.unavailable, "\(path) is in the way of the admin socket")
            }
        }
    }

    /// Sets the mode of the socket that was just bound.
    static func close(toOthersAt path: String) throws(AdministrationError) {
        // A server that stops at once, as where its port is taken, has taken its socket away already.
        guard chmod(path, 0o600) == 0 || errno == ENOENT else {
            throw AdministrationError(.unavailable, "cannot set the mode of \(path)")
        }
    }

    /// Takes the socket away after a stop; a later start would do it as well.
    static func remove(at path: String) { unlink(path) }
}
