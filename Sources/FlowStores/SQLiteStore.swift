import Dispatch
import Expressions
package import FlowEngine
package import FlowLanguage
import Foundation
import GRDB
import Synchronization

/// FlowEngine's `Store` on one SQLite file: one connection writes, a few read snapshots beside it.
///
/// `writeGroup` is called from one thread at a time, the engine's writer. Only synchronous calls of GRDB are used: its
/// asynchronous ones roll back when the calling task is cancelled.
package final class SQLiteStore: Store {
    /// What may be set; the defaults fit a server.
    package struct Configuration: Sendable {
        /// Gives the time of `createdAt` and `updatedAt`; nil: the database's own clock.
        package var clock: (any Clock)?
        /// Snapshots that can be read at once.
        package var readers: Int
        /// Pages (8 KiB, in older files 4 KiB) in the write-ahead log at which a commit copies them into the database.
        ///
        /// Everybody waits meanwhile: 1,000 take some 8 ms, 4,000 some 25 ms for no more throughput.
        package var checkpointPages: Int
        /// The database's size limit in pages; beyond it groups fail with `.full`.
        package var maximumPages: Int?
        /// Hears of every statement of the writer before it runs; nil, as a server has it, costs nothing.
        package var trace: StatementTrace?

        package init(
            clock: (any Clock)? = nil,
            readers: Int = 3,
            checkpointPages: Int = 1000,
            maximumPages: Int? = nil,
            trace: StatementTrace? = nil
        ) {
            self.clock = clock
            self.readers = readers
            self.checkpointPages = checkpointPages
            self.maximumPages = maximumPages
            self.trace = trace
        }
    }

    private enum WriterState {
        case open(StoreConnection)
        /// After an I/O error; opened again by the next group.
        case lost
        case closed
    }

    package let bootEpoch: Int64
    private let path: String
    private let configuration: Configuration
    private let catalogue: TableCatalogue
    private let lock: Mutex<StoreOwnerLock?>
    private let writer: Mutex<WriterState>
    private let readers: [SnapshotReader]
    /// Reads the whole file, which takes as long as it is large: nobody else waits for it.
    private let copier: SnapshotReader
    private let nextReader = Atomic<Int>(0)

    /// Brings the tables of the store in `folder` to their declarations where that takes more than adding.
    ///
    /// Columns that are no longer declared go with what they hold; rules that changed hold from then on. A trial is undone.
    ///
    /// - Returns: What was different.
    /// - Throws: As opening does; `.schema` also where the rows that are there stand against it.
    package static func remodel(
        folder: String,
        tables: [FlowLanguage.Table],
        isTrial: Bool
    ) throws(StoreOpenError) -> [String] {
        let lock = try StoreOwnerLock(folder: folder)
        defer { withExtendedLifetime(lock) {} }
        do throws(StoreError) {
            let catalogue = try TableCatalogue(tables)
            let path = folder + "/runnel.sqlite"
            let connection = try openWriter(path: path, catalogue: catalogue, configuration: Configuration())
            defer { connection.close() }
            return try connection.perform { session throws(StoreError) in
                try session.migrate()
                return try session.remodel(tables, isTrial: isTrial)
            }
        } catch {
            throw .store(error)
        }
    }

    /// Opens or creates `folder` (0700) with `runnel.sqlite` (0600), takes the owner lock, migrates, applies the app's
    /// tables and raises the boot epoch.
    ///
    /// - Parameters:
    ///   - folder: Where the store lives; made when it is missing.
    ///   - tables: Of the app and its features. Tables on disk that are not named stay as they are, out of reach.
    ///   - configuration: See there.
    /// - Throws: `.inUse` with the owner's pid; `.folder`; `.store` with `.schema` when a table needs more than adding.
    package init(
        folder: String,
        tables: [FlowLanguage.Table],
        configuration: Configuration = Configuration()
    ) throws(StoreOpenError) {
        try Self.makeFolder(folder)
        let lock = try StoreOwnerLock(folder: folder)
        let path = folder + "/runnel.sqlite"
        try Self.makeFile(path)
        do throws(StoreError) {
            let catalogue = try TableCatalogue(tables)
            let connection = try Self.openWriter(path: path, catalogue: catalogue, configuration: configuration)
            do throws(StoreError) {
                bootEpoch = try connection.perform { session throws(StoreError) in
                    try session.migrate()
                    try session.apply(tables)
                    try session.passOverIDsOfOtherLives()
                    return try session.raiseBootEpoch()
                }
            } catch {
                connection.close()
                throw error
            }
            self.catalogue = catalogue
            writer = Mutex(.open(connection))
        } catch {
            // SQLite tells of a full disk as such only where it writes; where it maps or reads back, as of a failing one.
            let isFull = error.code == .unavailable && Self.hasNoSpace(folder)
            throw .store(isFull ? StoreError(.full, "no space left for the store") : error)
        }
        self.path = path
        self.configuration = configuration
        self.lock = Mutex(lock)
        let clock = configuration.clock
        let catalogue = catalogue
        readers = (0..<max(1, configuration.readers)).map { number in
            SnapshotReader(path: path, number: number, catalogue: catalogue) { clock?.now() }
        }
        copier = SnapshotReader(path: path, number: readers.count, catalogue: catalogue) { clock?.now() }
    }

    package func writeGroup(_ body: (any StoreTransaction) throws(StoreError) -> Void) throws(StoreError) {
        let connection = try openWriter()
        do throws(StoreError) {
            try connection.perform { session throws(StoreError) in
                try session.transaction(writing: true) { session throws(StoreError) in try body(session) }
            }
        } catch {
            if error.code == .unavailable { loseWriter() }
            throw error
        }
    }

    package func read<Result: Sendable>(
        _ body: @Sendable (any StoreReader) throws(StoreError) -> Result
    ) async throws(StoreError) -> Result {
        try requireNotClosed()
        let turn = nextReader.wrappingAdd(1, ordering: .relaxed).oldValue
        return try await readers[turn % readers.count].snapshot { session throws(StoreError) in try body(session) }
    }

    package func close() {
        let open = writer.withLock { state -> StoreConnection? in
            defer { state = .closed }
            if case .open(let connection) = state { return connection }
            return nil
        }
        // The readers first: a checkpoint cannot pass a snapshot that is still read.
        for reader in readers + [copier] { reader.close() }
        if let open {
            do throws(StoreError) {
                try open.perform { session throws(StoreError) in session.checkpoint() }
            } catch {
                // The log stays and is read at the next opening.
            }
            open.close()
        }
        lock.withLock { $0 = nil }
    }
}

// The writer's connection
extension SQLiteStore {
    private static func openWriter(
        path: String,
        catalogue: TableCatalogue,
        configuration: Configuration
    ) throws(StoreError) -> StoreConnection {
        let clock = configuration.clock
        return try StoreConnection(
            path: path,
            role: .writer(
                .init(
                    checkpointPages: configuration.checkpointPages,
                    maximumPages: configuration.maximumPages,
                    trace: configuration.trace
                )
            ),
            catalogue: catalogue,
            now: { clock?.now() }
        )
    }

    private func requireNotClosed() throws(StoreError) {
        let isClosed = writer.withLock { state in if case .closed = state { true } else { false } }
        if isClosed { throw StoreError(.closed, "the store is closed") }
    }

    private func openWriter() throws(StoreError) -> StoreConnection {
        try writer.withLock { state throws(StoreError) in
            switch state {
            case .open(let connection): return connection
            case .closed: throw StoreError(.closed, "the store is closed")
            case .lost:
                let connection = try Self.openWriter(path: path, catalogue: catalogue, configuration: configuration)
                state = .open(connection)
                return connection
            }
        }
    }

    /// Closes every connection after an I/O error and opens the writer again: recovering the log decides what of the
    /// last group is on disk.
    func loseWriter() {
        let lost = writer.withLock { state -> StoreConnection? in
            guard case .open(let connection) = state else { return nil }
            state = .lost
            return connection
        }
        for reader in readers + [copier] { reader.disconnect() }
        lost?.close()
        do throws(StoreError) {
            _ = try openWriter()
        } catch {
            // Still failing: the next group tries again and reports it.
        }
    }
}

// Care of the file
extension SQLiteStore {
    /// Checks the whole file, and that each run can be read.
    ///
    /// - Returns: What is wrong, one sentence each; empty when nothing is.
    package func integrityCheck() async throws(StoreError) -> [String] {
        try requireNotClosed()
        return try await copier.snapshot { session throws(StoreError) in
            try session.integrityFindings() + session.damagedRuns(limit: 100)
        }
    }

    /// Copies a snapshot of the store to a new file (0600) while groups go on.
    ///
    /// Opened as a store of its own, the copy gives no id that this one, or another life of the copy, has given since.
    ///
    /// - Parameter destination: A path at which nothing stands yet.
    /// - Throws: `.unavailable` when the file is there already or cannot be written; `.full`.
    package func backUp(to destination: String) async throws(StoreError) {
        try requireNotClosed()
        try await copier.copy(to: destination)
    }

    private static func makeFolder(_ folder: String) throws(StoreOpenError) {
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw .folder("\(folder) cannot be made")
        }
        // SQLite syncs the folder for its files, nobody the folder's own name.
        let parent = open(folder + "/..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else { return }
        fsync(parent)
        _ = Foundation.close(parent)
    }

    private static func hasNoSpace(_ folder: String) -> Bool {
        var figures = statvfs()
        return statvfs(folder, &figures) == 0 && figures.f_bavail == 0
    }

    /// Makes the database's file before SQLite does, which would let others read it; the log takes over the mode.
    private static func makeFile(_ path: String) throws(StoreOpenError) {
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard opened >= 0 else { throw .folder("\(path) cannot be opened: \(errorText(errno))") }
        _ = Foundation.close(opened)
    }
}
