import Expressions
package import FlowEngine
package import FlowLanguage
import FlowStores
import Synchronization

/// Why a capsule cannot be replayed or compared at all.
package struct ReplayRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    package let message: String

    package init(_ message: String) { self.message = message }

    package var description: String { message }
}

/// What replaying a capsule gave.
package struct CapsuleVerdict: Sendable {
    /// Nil: every byte is the same again.
    package var divergence: Divergence?
    package var changes: [RowChange]
    /// Entries whose outcome was taken as recorded, since nothing here could repeat them.
    package var given: Int
    package var blocks: Int
    package var snapshot: BlockSnapshot?
    package var outcome: ReplayOutcome

    /// SHA-256 of what others had written when the run met it.
    var metHash: String { outcome.metHash }
}

/// Replays capsules: no network, no file, no worker.
package final class CapsuleReplay: Sendable {
    private let environment: ReplayEnvironment
    /// The last app and its tables: many capsules of one app are compiled once.
    private let prepared = Mutex<Prepared?>(nil)

    private struct Prepared: Sendable {
        var files: [SourceFile]
        var app: App
        var tables: MemoryTables
    }

    package init(environment: ReplayEnvironment = .runnel) { self.environment = environment }

    /// Replays a capsule on its own files and compares it with itself, to the last byte.
    ///
    /// - Throws: When there is nothing to compare: the files do not compile, or the capsule says that it cannot be
    ///   replayed.
    package func replay(_ capsule: Capsule, watch: PassWatch? = nil) throws(ReplayRefusal) -> CapsuleVerdict {
        try replay(capsule, watch: watch, code: nil)
    }

    /// `code`: what code came to that was run again; nil: it is taken as recorded.
    func replay(
        _ capsule: Capsule,
        watch: PassWatch?,
        code: [EntryAddress: CodeProgress]?
    ) throws(ReplayRefusal) -> CapsuleVerdict {
        if let limitation = capsule.header.limitation { throw ReplayRefusal(limitation) }
        let prepared = try prepare(capsule.files)
        for run in capsule.history.runs {
            let start = run.record.start
            guard prepared.app.flows[start.flow]?.version.isMeant(by: start.version) == true else {
                throw ReplayRefusal("the files of the capsule hold no version \(start.version) of '\(start.flow)'")
            }
        }
        let outcome = try run(capsule, on: prepared, outside: nil, code: code, watch: watch)
        let comparison = RecordComparison(
            app: prepared.app,
            capsule: capsule,
            outcome: outcome
        )
        return CapsuleVerdict(
            divergence: comparison.first,
            changes: outcome.changes,
            given: outcome.given.count,
            blocks: capsule.history.runs.reduce(0) { $0 + $1.entries.count },
            snapshot: outcome.snapshot,
            outcome: outcome
        )
    }

    /// The app of the capsule's own files.
    package func compiledApp(of capsule: Capsule) throws(ReplayRefusal) -> App { try prepare(capsule.files).app }

    func run(
        _ capsule: Capsule,
        on app: App,
        outside: [OutsideChange]?,
        code: [EntryAddress: CodeProgress]?,
        watch: PassWatch?
    ) throws(ReplayRefusal) -> ReplayOutcome {
        let tables: MemoryTables
        do throws(StoreError) {
            tables = try MemoryTables(app.tables)
        } catch {
            throw ReplayRefusal("the app's tables cannot be made: \(error.message)")
        }
        let prepared = Prepared(files: [], app: app, tables: tables)
        return try run(capsule, on: prepared, outside: outside, code: code, watch: watch)
    }

    private func run(
        _ capsule: Capsule,
        on prepared: Prepared,
        outside: [OutsideChange]?,
        code: [EntryAddress: CodeProgress]?,
        watch: PassWatch?
    ) throws(ReplayRefusal) -> ReplayOutcome {
        let credentials = CapsuleCredentials(header: capsule.header)
        let features = environment.features(prepared.app, capsule.run.record.start.mode, credentials)
        let result: Result<ReplayOutcome, StoreError>
        do throws(StoreError) {
            result = try prepared.tables.scratch { tables in
                var machine = ReplayMachine(
                    app: prepared.app,
                    features: features,
                    history: capsule.history,
                    tables: tables,
                    outside: outside,
                    code: code,
                    watch: watch
                )
                return Result { () throws(StoreError) in try machine.run() }
            }
        } catch {
            throw ReplayRefusal("the rows cannot be held: \(error.message)")
        }
        do throws(StoreError) {
            return try result.get()
        } catch {
            throw ReplayRefusal("the capsule's rows do not fit its app: \(error.message)")
        }
    }

    private func prepare(_ files: [SourceFile]) throws(ReplayRefusal) -> Prepared {
        if let known = prepared.withLock({ $0 }), known.files == files { return known }
        let compilation = AppCompiler(catalogue: environment.catalogue).compile(files)
        guard let app = compilation.app else {
            let first = compilation.diagnostics.first { $0.severity == .error }
            throw ReplayRefusal("the capsule's files do not compile: \(first?.message ?? "no app")")
        }
        do throws(StoreError) {
            let fresh = Prepared(files: files, app: app, tables: try MemoryTables(app.tables))
            prepared.withLock { $0 = fresh }
            return fresh
        } catch {
            throw ReplayRefusal("the capsule's tables cannot be made: \(error.message)")
        }
    }
}
