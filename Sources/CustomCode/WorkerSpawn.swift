import CodeFrames
import Foundation

/// Starts the worker's program: with an environment of its own, three descriptors, and nothing else of the server's.
enum WorkerSpawn {
    static func start(
        _ executable: String,
        _ words: [String]
    ) throws(WorkerError) -> (pid: pid_t, input: Int32, output: Int32) {
        var toWorker: [Int32] = [0, 0]
        var fromWorker: [Int32] = [0, 0]
        guard pipe(&toWorker) == 0 else { throw WorkerError("no pipe: errno \(errno)") }
        guard pipe(&fromWorker) == 0 else {
            for descriptor in toWorker { close(descriptor) }
            throw WorkerError("no pipe: errno \(errno)")
        }
        defer {
            close(toWorker[0])
            close(fromWorker[1])
        }
        // Should another thread start a program just now, that program has them for no longer than it takes to start.
        for descriptor in toWorker + fromWorker { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        // F_SETPIPE_SZ: a large argument goes through in a few pieces; a kernel that refuses it is only slower.
        for descriptor in [toWorker[1], fromWorker[0]] { _ = fcntl(descriptor, 1_031, 1 << 20) }
        // The host never waits in a write or a read: it waits where it can also see the time.
        for descriptor in [toWorker[1], fromWorker[0]] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, toWorker[0], 0)
        posix_spawn_file_actions_adddup2(&actions, fromWorker[1], 1)
        // JavaScriptCore writes warnings there; a file would fall under the worker's limit on file sizes.
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        // Whatever else came along, the worker closes before it does anything.
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        // A group of its own: what a terminal sends to the server is not for the worker.
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP)
        )
        var pid = pid_t()
        let result = withCStrings([executable] + words) { words in
            withCStrings(WorkerInvocation.environment) { environment in
                posix_spawn(&pid, executable, &actions, &attributes, words, environment)
            }
        }
        guard result == 0 else {
            close(toWorker[1])
            close(fromWorker[0])
            throw WorkerError("\(executable) cannot be started: \(String(cString: strerror(result)))")
        }
        return (pid, toWorker[1], fromWorker[0])
    }

    private static func withCStrings<R>(
        _ texts: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
    ) -> R {
        var pointers = texts.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        pointers.append(nil)
        return pointers.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("an array with an element has a place") }
            return body(base)
        }
    }
}
