import Foundation

/// Another program, usually another `runnel`, started by this one.
///
/// By `posix_spawn` and `waitpid`: Foundation's `Process` waits through a run loop, and was seen to miss the end of one
/// of several children (swift-corelibs-foundation in Swift 6.3.1).
struct ChildProcess: ~Copyable {
    let pid: pid_t
    private let input: FileHandle
    private let output: FileHandle

    /// Starts `executable` with the words after its name; its standard error is appended to `log`.
    ///
    /// - Throws: `CommandFailure` if it cannot be started.
    init(_ executable: URL, _ arguments: [String], environment: [String: String], log: URL) throws {
        let input = try Self.pipe()
        let output = try Self.pipe()
        pid = try Self.spawn(
            [executable.path] + arguments,
            environment: environment,
            input: input.reading.fileDescriptor,
            output: output.writing.fileDescriptor,
            errors: log.path
        )
        self.input = input.writing
        self.output = output.reading
    }

    /// This very program.
    static var ownExecutable: URL { URL(filePath: "/proc/self/exe").resolvingSymlinksInPath() }

    /// The child's first line of output; nil when it ended before it wrote one.
    func firstLine() -> String? {
        var line: [UInt8] = []
        while let byte = try? output.read(upToCount: 1)?.first {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }

    /// Ends the child's input, at which a server stops by itself, and waits for its end.
    func stop() {
        try? input.close()
        _ = Self.wait(for: pid)
    }

    /// Kills the child without warning, as a power cut would.
    func killAtOnce() {
        kill(pid, SIGKILL)
        _ = Self.wait(for: pid)
    }

    /// Waits until the child has ended by itself.
    func wait() { _ = Self.wait(for: pid) }

    /// Runs one command to its end.
    ///
    /// - Returns: its exit code (or 128 and the signal that ended it), standard output, standard error.
    static func run(
        _ executable: URL,
        _ arguments: [String],
        environment: [String: String],
        input text: String = ""
    ) throws -> (code: Int32, output: String, errors: String) {
        let folder = FileManager.default.temporaryDirectory.path
        let output = try temporaryFile(in: folder)
        let errors = try temporaryFile(in: folder)
        defer {
            unlink(output.path)
            unlink(errors.path)
        }
        let input = try pipe()
        let pid = try spawn(
            [executable.path] + arguments,
            environment: environment,
            input: input.reading.fileDescriptor,
            output: output.handle.fileDescriptor,
            errors: errors.path
        )
        // A child that ended before it read its input is told by its exit code, not by a signal that ends us too.
        _ = signal(SIGPIPE, SIG_IGN)
        try? input.writing.write(contentsOf: Data(text.utf8))
        try? input.writing.close()
        let code = wait(for: pid)
        let printed = FileManager.default.contents(atPath: output.path) ?? Data()
        let complained = FileManager.default.contents(atPath: errors.path) ?? Data()
        return (code, String(decoding: printed, as: UTF8.self), String(decoding: complained, as: UTF8.self))
    }

    /// Both ends are closed in children, which get theirs by number: a child that held another's input open would keep
    /// it from ending.
    private static func pipe() throws -> (reading: FileHandle, writing: FileHandle) {
        var ends: [Int32] = [0, 0]
        guard Foundation.pipe(&ends) == 0 else { throw CommandFailure("no pipe: \(String(cString: strerror(errno)))") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (
            FileHandle(fileDescriptor: ends[0], closeOnDealloc: true),
            FileHandle(fileDescriptor: ends[1], closeOnDealloc: true)
        )
    }

    private static func temporaryFile(in folder: String) throws -> (path: String, handle: FileHandle) {
        var template = Array("\(folder)/runnel-output-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw CommandFailure("cannot write in \(folder)") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return (path, FileHandle(fileDescriptor: descriptor, closeOnDealloc: true))
    }

    private static func spawn(
        _ words: [String],
        environment: [String: String],
        input: Int32,
        output: Int32,
        errors: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, words[0], &actions, nil, &arguments, &variables)
        guard code == 0 else { throw CommandFailure("cannot start \(words[0]): \(String(cString: strerror(code)))") }
        return pid
    }

    private static func wait(for pid: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
}
