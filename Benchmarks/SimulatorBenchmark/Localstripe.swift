import Foundation

/// PyPI's `localstripe` as a child process, where Python has it: the peer to compare with.
///
/// It writes its whole store to /tmp/localstripe.pickle after every change; that is a part of what is measured.
struct Localstripe {
    let port: Int
    private let pid: pid_t

    /// Nil when it is not here: `RUNNEL_PYTHON` (or `python3`) is asked.
    static func start() throws -> Localstripe? {
        let python = ProcessInfo.processInfo.environment["RUNNEL_PYTHON"] ?? "python3"
        guard wait(for: try spawn([python, "-c", "import localstripe"])) == 0 else { return nil }
        let port = try LoopbackPort.free()
        let pid = try spawn([python, "-m", "localstripe", "--from-scratch", "--port", "\(port)"])
        for _ in 0..<100 {
            if (try? HTTPConnection(port: port)) != nil { return Localstripe(port: port, pid: pid) }
            usleep(100_000)
        }
        Localstripe(port: port, pid: pid).stop()
        throw HTTPConnection.Failure(description: "localstripe does not listen")
    }

    /// By signal and `waitpid`, as Foundation's `Process` was seen to miss the end of its child.
    func stop() {
        kill(pid, SIGKILL)
        _ = Self.wait(for: pid)
    }

    private static func spawn(_ words: [String]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for descriptor in 0...2 as ClosedRange<Int32> {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
        }
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for text in arguments { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawnp(&pid, words[0], &actions, nil, &arguments, environ)
        guard code == 0 else { throw HTTPConnection.Failure(description: "cannot start \(words[0])") }
        return pid
    }

    private static func wait(for pid: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1 && errno == EINTR {}
        return status
    }
}
