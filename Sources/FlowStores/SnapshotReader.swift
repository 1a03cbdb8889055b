import Dispatch
import Expressions
import FlowEngine
import Foundation
import GRDB
import Synchronization

/// Reads snapshots on a connection and a queue of its own, so that no thread of the shared pool waits in SQLite.
actor SnapshotReader {
    private let executor: DispatchSerialQueueExecutor
    private let path: String
    private let catalogue: TableCatalogue
    private let now: @Sendable () -> Timestamp?
    private let state: Mutex<State> = Mutex(State())

    private struct State {
        var connection: StoreConnection?
        var isClosed = false
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(path: String, number: Int, catalogue: TableCatalogue, now: @escaping @Sendable () -> Timestamp?) {
        self.path = path
        self.catalogue = catalogue
        self.now = now
        executor = DispatchSerialQueueExecutor(label: "runnel.store.reader.\(number)")
    }

    func snapshot<Value: Sendable>(
        _ body: @Sendable (StoreSession) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        while true {
            let connection = try connect()
            do throws(StoreError) {
                return try connection.perform { session throws(StoreError) in
                    try session.transaction(writing: false, body)
                }
            } catch {
                if error.code == .unavailable { disconnect() }
                // Taken away while this waited for its turn, as the store was opened anew: nothing was read.
                if error.code == .closed, hasLost(connection) { continue }
                throw error
            }
        }
    }

    private nonisolated func hasLost(_ connection: StoreConnection) -> Bool {
        state.withLock { !$0.isClosed && $0.connection !== connection }
    }

    func copy(to destination: String) throws(StoreError) {
        guard access(destination, F_OK) != 0 else {
            throw StoreError(.unavailable, "\(destination): \(errorText(EEXIST))")
        }
        // It gets its name when it is whole: what a kill leaves must not pass for a copy.
        let part = "\(destination).\(getpid()).part"
        unlink(part)
        let opened = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard opened >= 0 else { throw StoreError(.unavailable, "\(part): \(errorText(errno))") }
        defer {
            _ = Foundation.close(opened)
            unlink(part)
        }
        let source = try connect()
        let now = try source.perform { session throws(StoreError) in
            try session.transaction(writing: false) { session throws(StoreError) in try session.groupTime() }
        }
        do {
            let target = try DatabaseQueue(path: part)
            try source.queue.backup(to: target)
            try target.write { copy in
                try copy.execute(
                    sql: "INSERT OR REPLACE INTO store_state (name, value) VALUES (?, ?)",
                    arguments: [StoreSession.copyMark, now.seconds]
                )
            }
            try target.close()
        } catch {
            throw StoreError.grdb(error)
        }
        guard fsync(opened) == 0, Self.name(part, destination), Self.syncFolder(of: destination) else {
            throw StoreError(.unavailable, "\(destination): \(errorText(errno))")
        }
    }

    /// Gives a file its name by a link, since a rename would replace what has come there meanwhile.
    ///
    /// Where the file system knows no links (FAT, many a network's), the name is taken first, then replaced.
    private static func name(_ part: String, _ destination: String) -> Bool {
        if link(part, destination) == 0 { return true }
        guard [EPERM, EOPNOTSUPP, ENOSYS, EINVAL, EMLINK].contains(errno) else { return false }
        let taken = open(destination, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard taken >= 0 else { return false }
        _ = Foundation.close(taken)
        return rename(part, destination) == 0
    }

    /// A name is durable when its folder is; a file system that cannot say so is left to itself.
    private static func syncFolder(of file: String) -> Bool {
        let folder = open(URL(filePath: file).deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { return false }
        defer { _ = Foundation.close(folder) }
        return fsync(folder) == 0 || errno == EINVAL
    }

    private func connect() throws(StoreError) -> StoreConnection {
        try state.withLock { state throws(StoreError) in
            if state.isClosed { throw StoreError(.closed, "the store is closed") }
            if let connection = state.connection { return connection }
            let connection = try StoreConnection(path: path, role: .reader, catalogue: catalogue, now: now)
            state.connection = connection
            return connection
        }
    }

    /// Lets go of the connection, waiting for a snapshot that is being read; the next read opens another.
    nonisolated func disconnect() {
        let connection = state.withLock { state in
            defer { state.connection = nil }
            return state.connection
        }
        connection?.close()
    }

    /// Lets go of the connection for good.
    nonisolated func close() {
        state.withLock { $0.isClosed = true }
        disconnect()
    }
}

/// Runs an actor's jobs on a queue of its own.
private final class DispatchSerialQueueExecutor: SerialExecutor {
    private let queue: DispatchQueue

    init(label: String) { queue = DispatchQueue(label: label) }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func checkIsolated() { dispatchPrecondition(condition: .onQueue(queue)) }
}
