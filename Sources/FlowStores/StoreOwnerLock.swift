#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// The sign that this process owns a store's folder: a kernel lock on a file that names the owner's pid.
///
/// The kernel's lock decides, not the file: it goes with the process, also after `kill -9`, so a file left behind is no
/// obstacle. Freed when the value goes out of scope. Not inherited by programs that this process starts.
package struct StoreOwnerLock: ~Copyable, Sendable {
    private let descriptor: Int32

    /// Takes the lock of `folder` without waiting.
    ///
    /// - Throws: `.inUse` with the owner's pid; `.folder` when the file cannot be made or locked.
    package init(folder: String) throws(StoreOpenError) {
        let path = folder + "/owner.lock"
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard opened >= 0 else { throw .folder("\(path) cannot be opened: \(errorText(errno))") }
        while flock(opened, LOCK_EX | LOCK_NB) != 0 {
            let reason = errno
            if reason == EINTR { continue }
            let owner = reason == EWOULDBLOCK ? Self.pid(in: opened) : nil
            close(opened)
            if reason == EWOULDBLOCK { throw .inUse(pid: owner) }
            throw .folder("\(path) cannot be locked: \(errorText(reason))")
        }
        descriptor = opened
        let text = Array("\(getpid())\n".utf8)
        let written = ftruncate(opened, 0) == 0 && pwrite(opened, text, text.count, 0) == text.count
        // A full disk must not keep the owner out; another process is then refused without a name.
        if !written { ftruncate(opened, 0) }
    }

    deinit {
        // Closing alone would leave the lock with a child that was forked and has not reached its exec yet.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// The pid that holds the lock of `folder`, or nil when nobody does or it has no name yet.
    package static func owner(of folder: String) -> Int32? {
        let opened = open(folder + "/owner.lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard opened >= 0 else { return nil }
        defer { close(opened) }
        guard flock(opened, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK else { return nil }
        return pid(in: opened)
    }

    private static func pid(in descriptor: Int32) -> Int32? {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        guard count > 0 else { return nil }
        let digits = bytes.prefix(count).prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        return Int32(String(decoding: digits, as: UTF8.self))
    }
}

/// What the system says about an error number.
func errorText(_ number: Int32) -> String { strerror(number).map { String(cString: $0) } ?? "error \(number)" }
