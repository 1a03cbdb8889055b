package import Connections
package import Expressions
package import FlowEngine
package import FlowLanguage
import Payments

/// Makes a capsule of a run that a store holds.
package struct CapsuleExport: Sendable {
    private let environment: ReplayEnvironment
    /// The app's files of today, for a run whose own files were not kept.
    private let sources: [SourceFile]
    private let secrets: [String: Secret]
    private let program: String

    /// - Parameters:
    ///   - environment: The program's.
    ///   - sources: The app's files of today.
    ///   - secrets: All that are set, by name: none of them gets into a capsule.
    ///   - program: Name and version, for the header.
    package init(
        environment: ReplayEnvironment = .runnel,
        sources: [SourceFile],
        secrets: [String: Secret],
        program: String
    ) {
        self.environment = environment
        self.sources = sources
        self.secrets = secrets
        self.program = program
    }

    /// What is read of the store in one snapshot.
    private struct Found: Sendable {
        var runs: [RecordedRun]
        var kept: Int
        var delivery: Delivery?
        var installation: [UInt8]
        var files: [SourceFile]?
    }

    /// Exports a run as it stands.
    ///
    /// The capsule is replayed once: rows written are taken from there, and a run that cannot be replayed says why in
    /// its header.
    /// - Returns: Nil when there is no such run.
    package func capsule(
        of run: RunID,
        in store: any Store,
        at now: Timestamp
    ) async throws(StoreError) -> Capsule? {
        let found = try await store.read { reader throws(StoreError) in try Self.read(run, reader) }
        guard let found else { return nil }
        return capsule(found, at: now)
    }

    private func capsule(_ found: Found, at now: Timestamp) -> Capsule {
        var scrubber = SecretScrubber(secrets)
        let files = found.files ?? SourceArchive.relative(sources)
        let compilation = AppCompiler(catalogue: environment.catalogue).compile(files)
        var history = RecordedHistory(runs: [], installation: found.installation, kept: found.kept)
        for run in found.runs { history.runs.append(scrubber.scrub(Self.portable(run))) }
        var header = Capsule.Header(
            program: program,
            exportedAt: now,
            app: compilation.app?.name ?? "",
            filesHash: Self.hash(files),
            schemaHash: Self.schemaHash(compilation.app),
            publishableKeys: publishableKeys(found.runs),
            secretNames: secrets.keys.filter { !$0.hasSuffix(".publishableKey") }.sorted()
        )
        header.limitation = limitation(of: history, app: compilation.app, areFilesKept: found.files != nil)
        var capsule = Capsule(
            header: header,
            files: files,
            delivery: found.delivery.map { scrubber.scrub($0) },
            history: history
        )
        if let delivery = found.delivery { Self.bind(delivery, of: found.runs[0], in: &capsule) }
        guard header.limitation == nil else { return capsule }
        do throws(ReplayRefusal) {
            let replay = try CapsuleReplay(environment: environment).replay(capsule)
            capsule.changes = replay.changes
            capsule.metHash = replay.metHash
            if let first = replay.divergence {
                capsule.header.limitation = "the run does not replay as it ran: \(first.summary)"
            }
        } catch {
            capsule.header.limitation = error.message
        }
        return capsule
    }

    /// Says which member of the trigger the delivery is, where it is one, and writes that in its place if a secret is
    /// spelt otherwise in the bytes.
    private static func bind(_ delivery: Delivery, of run: RecordedRun, in capsule: inout Capsule) {
        guard let raw = try? JSON.parse(delivery.body) else { return }
        for member in ["event", "body"] {
            guard let value = run.record.start.trigger[member], value.isIdentical(to: raw),
                let shown = capsule.run.record.start.trigger[member]
            else { continue }
            capsule.deliveryMember = member
            let scrubbed = capsule.delivery.flatMap { try? JSON.parse($0.body) }
            if scrubbed?.isIdentical(to: shown) != true, let bytes = try? JSON.encode(shown) {
                capsule.delivery?.body = bytes
            }
            return
        }
    }

    /// Without what is of use in the store alone: who owned the run, what it waited for, how often its process died.
    private static func portable(_ run: RecordedRun) -> RecordedRun {
        let record = run.record
        var start = record.start
        start.concurrency = nil
        start.generation.changes = 0
        start.rerunOf = nil
        let portable = RunRecord(
            id: record.id,
            start: start,
            status: record.status,
            createdAt: record.createdAt,
            startedAt: record.startedAt,
            finishedAt: record.finishedAt,
            answer: record.answer,
            failure: record.failure,
            trace: record.trace
        )
        return RecordedRun(record: portable, entries: run.entries)
    }

    // MARK: What the run needs

    private func limitation(of history: RecordedHistory, app: App?, areFilesKept: Bool) -> String? {
        guard let app else { return "the app's files do not compile any more" }
        guard history.runs.count < Self.runLimit else { return "it takes \(Self.runLimit) runs or more" }
        for run in history.runs {
            let start = run.record.start
            guard let graph = app.flows[start.flow], graph.version.isMeant(by: start.version) else {
                return areFilesKept
                    ? "'\(start.flow)' had another version when this run began than its caller's files say"
                    : "the files of version \(start.version.short) of '\(start.flow)' were not kept"
            }
            for entry in run.entries where !entry.isRepeatable {
                return "\(entry.block) at \(entry.address.path) was run by a program that did not note rows"
            }
        }
        return nil
    }

    /// Keys that pages show, as the run's own outputs show them, else as they are now.
    private func publishableKeys(_ runs: [RecordedRun]) -> [String: String] {
        var keys: [String: String] = [:]
        for (name, secret) in secrets where name.hasSuffix(".publishableKey") { keys[name] = secret.reveal() }
        for run in runs {
            for entry in run.entries {
                guard let key = entry.publishableKey,
                    let connection = entry.input["connection"]?.stringValue
                else { continue }
                keys["\(connection).\(run.record.start.mode.rawValue).publishableKey"] = key
            }
        }
        // A secret key that was entered here by mistake stays at home.
        return keys.filter { StripeKey($0.value)?.kind == .publishable }
    }

    private static func hash(_ files: [SourceFile]) -> String {
        let list = Value.list(files.map { [.string($0.path), .string(SourceArchive.hash($0.bytes))] })
        return SourceArchive.hash(JSON.encodeExact(list))
    }

    private static func schemaHash(_ app: App?) -> String {
        let tables = (app?.tables ?? []).map { table -> Value in
            let columns = table.columns.map { column -> Value in
                [
                    .string(column.name), .string(column.type.rawValue), .bool(column.isOptional),
                    .bool(column.isUnique), column.defaultValue ?? .null, .list(column.allowed.map(Value.string)),
                    .string(column.references ?? ""),
                ]
            }
            return [.string(table.name), .list(columns)]
        }
        return SourceArchive.hash(JSON.encodeExact(.list(tables)))
    }

    // MARK: Reading

    private static func read(_ id: RunID, _ reader: any StoreReader) throws(StoreError) -> Found? {
        guard var record = try reader.run(id) else { return nil }
        // A branch is a part of the run that waits for it.
        while record.start.origin == .branch, let parent = record.start.parent?.run, let whole = try reader.run(parent)
        {
            record = whole
        }
        var runs = [try recorded(record, reader)]
        var next = 0
        // Ends: a run has at most one parent, and those are older.
        while next < runs.count, runs.count < Self.runLimit {
            for child in try children(of: runs[next], reader) { runs.append(try recorded(child, reader)) }
            next += 1
        }
        let subruns = runs.dropFirst().sorted { $0.record.id < $1.record.id }
        let former = try record.start.rerunOf.map { (id) throws(StoreError) in try reader.entries(of: id) }
        return Found(
            runs: [runs[0]] + subruns,
            kept: runs[0].entries(keptFrom: former ?? []),
            delivery: try delivery(of: record, reader),
            installation: try reader.setting("engine.installation") ?? [],
            files: try SourceArchive.files(of: record.start.version, in: reader)
        )
    }

    /// Runs of one capsule.
    private static let runLimit = 1_000

    private static func recorded(_ record: RunRecord, _ reader: any StoreReader) throws(StoreError) -> RecordedRun {
        if let damage = record.damage { throw StoreError(.corrupt, damage) }
        var entries = try reader.entries(of: record.id)
        let evidence = try reader.evidence(of: record.id)
        for (place, found) in evidence.enumerated() where place < entries.count {
            entries[place].accesses = found.accesses
            entries[place].receipt = found.receipt
        }
        return RecordedRun(record: record, entries: entries)
    }

    private static func children(of run: RecordedRun, _ reader: any StoreReader) throws(StoreError) -> [RunRecord] {
        var children: [RunRecord] = []
        for entry in run.entries where entry.block == "run-flow" || entry.input["call"] == "runFlow" || entry.isBranch {
            guard let id = entry.input["run"]?.intValue, let child = try reader.run(RunID(id)),
                child.start.parent?.run == run.record.id
            else { continue }
            children.append(child)
        }
        return children
    }

    private static func delivery(of record: RunRecord, _ reader: any StoreReader) throws(StoreError) -> Delivery? {
        guard record.start.origin == .webhook || record.start.origin == .callback else { return nil }
        // Stripe's by the event, which may have started several runs; others by the run, which takes a look at each.
        if let event = record.start.trigger["event"], let id = event["id"]?.stringValue {
            let account = event["account"]?.stringValue ?? ""
            let found = try reader.delivery(
                source: PaymentsFeature.source,
                account: account,
                mode: record.start.mode,
                eventID: id
            )
            if let found { return found }
        }
        return try reader.deliveries(matching: DeliveryFilter(run: record.id, limit: 1)).first
    }
}
