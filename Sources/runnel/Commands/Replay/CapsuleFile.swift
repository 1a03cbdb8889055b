import Capsules
import Foundation

/// Capsules on disk.
enum CapsuleFile {
    /// Why a file cannot be read as a capsule: the place, and what is wrong there.
    struct Refusal: Error, CustomStringConvertible {
        /// `a.capsule`, or `a.capsule:7` for its seventh line.
        let place: String
        let reason: String
        /// The file could be read, but is no capsule, or not as it was written.
        let isDamage: Bool

        var description: String { "\(place): \(reason)" }
    }

    /// Milliseconds in which somebody must begin to write into a pipe.
    private static let pipePatience: Int32 = 10_000

    static func read(_ path: String) throws(Refusal) -> Capsule {
        let bytes = try bytes(of: path)
        do throws(CapsuleError) {
            return try CapsuleText.decode(bytes)
        } catch {
            let place = error.line.map { "\(path):\($0)" } ?? path
            throw Refusal(place: place, reason: error.message, isDamage: true)
        }
    }

    /// Bounded by what is read and not by what a size says: a link, a pipe or a device has another one.
    private static func bytes(of path: String) throws(Refusal) -> [UInt8] {
        func refusal(_ reason: String) -> Refusal { Refusal(place: path, reason: reason, isDamage: false) }
        let limit = CapsuleText.byteLimit
        let handle = path == "-" ? .standardInput : FileHandle(fileDescriptor: try open(path), closeOnDealloc: true)
        var bytes: [UInt8] = []
        do {
            while bytes.count <= limit, let more = try handle.read(upToCount: 1 << 20), !more.isEmpty { bytes += more }
        } catch {
            throw refusal("it cannot be read")
        }
        guard bytes.count <= limit else { throw refusal("a capsule has at most \(limit >> 20) MiB") }
        return bytes
    }

    /// A descriptor whose reads wait; a pipe into which nobody writes is given up after a while.
    private static func open(_ path: String) throws(Refusal) -> Int32 {
        func refusal(_ reason: String) -> Refusal { Refusal(place: path, reason: reason, isDamage: false) }
        let descriptor = Foundation.open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw refusal(errno == ENOENT ? "there is no such file" : "it cannot be read: \(OutputFile.reason(errno))")
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            close(descriptor)
            throw refusal("it cannot be read")
        }
        let kind = status.st_mode & S_IFMT
        if kind == S_IFDIR {
            close(descriptor)
            throw refusal("this is a folder: name the capsules in it")
        }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if kind == S_IFIFO, poll(&waiting, 1, pipePatience) == 0 {
            close(descriptor)
            throw refusal("this is a pipe into which nobody writes")
        }
        // A file that opened can be told to wait, too; what it cannot read shows at the first read.
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
        return descriptor
    }
}
