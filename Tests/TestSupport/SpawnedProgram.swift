import Foundation

/// Another program, started by `posix_spawn` and waited for by `waitpid`.
///
/// Foundation's `Process` (swift-corelibs-foundation, Swift 6.3.1) waits through sockets in a run loop: it was seen to miss
/// the end of a child, and to crash beside a test that holds a thousand descriptors open.
package struct SpawnedProgram: ~Copyable {
    package struct Refusal: Error {
        let program: String
        let code: Int32
    }

    package let pid: Int32
    private let output: Int32

    /// Starts `program`, a path or a name to look for in `PATH`; its output is read through `firstLine`.
    package init(_ program: String, _ arguments: [String]) throws {
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw Refusal(program: program, code: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        do {
            let pid = try Self.spawn(program, arguments, input: "/dev/null", output: ends[1], hidesErrors: true)
            self.init(pid: pid, output: ends[0])
        } catch {
            close(ends[0])
            throw error
        }
    }

    private init(pid: Int32, output: Int32) {
        self.pid = pid
        self.output = output
    }

    deinit { close(output) }

    /// The first line of output, without its end; nil when the program ended before it wrote one.
    package func firstLine() -> String? {
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(output, &byte, 1) == 1 {
            if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
            line.append(byte)
        }
        return nil
    }

    /// Ends the program without warning, and waits until it is gone.
    package func killAtOnce() {
        kill(pid, SIGKILL)
        _ = Self.wait(for: pid)
    }

    /// Runs a program to its end.
    ///
    /// - Returns: Its exit code, or 128 and the signal that ended it; what it wrote, with `withErrors` its complaints among it.
    package static func run(
        _ program: String,
        _ arguments: [String],
        input: [UInt8] = [],
        withErrors: Bool = false
    ) throws -> (status: Int32, output: [UInt8]) {
        let given = try temporaryFile()
        let taken = try temporaryFile()
        defer {
            for file in [given, taken] {
                close(file.descriptor)
                unlink(file.path)
            }
        }
        try Data(input).write(to: URL(filePath: given.path))
        let pid = try spawn(
            program,
            arguments,
            input: given.path,
            output: taken.descriptor,
            hidesErrors: !withErrors
        )
        let status = wait(for: pid)
        return (status, Array(try Data(contentsOf: URL(filePath: taken.path))))
    }

    private static func temporaryFile() throws -> (path: String, descriptor: Int32) {
        var template = Array((FileManager.default.temporaryDirectory.path + "/runnel-program-XXXXXX").utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw Refusal(program: "mkstemp", code: errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return (String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self), descriptor)
    }

    private static func spawn(
        _ program: String,
        _ arguments: [String],
        input: String,
        output: Int32,
        hidesErrors: Bool
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        if hidesErrors {
            posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        } else {
            posix_spawn_file_actions_adddup2(&actions, output, 2)
        }
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] =
            ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in words + variables { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, program, &actions, nil, &words, &variables)
        guard code == 0 else { throw Refusal(program: program, code: code) }
        return pid
    }

    private static func wait(for pid: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
}
