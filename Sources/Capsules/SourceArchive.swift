import Crypto
import Expressions
package import FlowEngine
package import FlowLanguage

/// The files that each version of a flow was compiled from, kept in the store for good: a run may name any of them.
///
/// By content, so that a deployment adds no more than what it changed: a file that several versions share is kept once, and so is their list of files, which a version's own
/// record names. Records of earlier programs hold the list themselves.
package enum SourceArchive {
    private static let filePrefix = "file:"
    private static let listPrefix = "list:"

    /// Keeps the files for every flow of the app that has none kept yet.
    package static func save(_ app: App, _ sources: [SourceFile], in store: any Store) async throws(StoreError) {
        let versions = app.flows.values.map(\.version)
        let missing = try await store.read { reader throws(StoreError) in
            var missing: [FlowVersion] = []
            for version in versions where try reader.flowSource(version) == nil { missing.append(version) }
            return missing
        }
        guard !missing.isEmpty else { return }
        let files = relative(sources)
        let list = JSON.encodeExact(
            .list(files.map { ["path": .string($0.path), "hash": .string(hash($0.bytes))] })
        )
        try store.writeGroup { transaction throws(StoreError) in
            for file in files {
                try transaction.saveFlowSource(FlowVersion(filePrefix + hash(file.bytes)), file.bytes)
            }
            let name = listPrefix + hash(list)
            try transaction.saveFlowSource(FlowVersion(name), list)
            for version in missing { try transaction.saveFlowSource(version, JSON.encodeExact(.string(name))) }
        }
    }

    /// The files of a version, `app.yaml` first; nil when they were not kept.
    package static func files(of version: FlowVersion, in reader: any StoreReader) throws(StoreError) -> [SourceFile]? {
        guard let bytes = try reader.flowSource(version) else { return nil }
        var record = try? JSON.parseExact(bytes, limits: .journal)
        if let name = record?.stringValue, name.hasPrefix(listPrefix) {
            record = try reader.flowSource(FlowVersion(name)).flatMap { try? JSON.parseExact($0, limits: .journal) }
        }
        guard let list = record?.listValue else {
            throw StoreError(.corrupt, "the list of a flow's files cannot be read")
        }
        var files: [SourceFile] = []
        for item in list {
            guard let path = item["path"]?.stringValue, let hash = item["hash"]?.stringValue,
                let bytes = try reader.flowSource(FlowVersion(filePrefix + hash))
            else { throw StoreError(.corrupt, "a flow's file is not where its list says") }
            files.append(SourceFile(path: path, bytes: bytes))
        }
        return files
    }

    /// The files by their places in the app, wherever the app lies.
    package static func relative(_ sources: [SourceFile]) -> [SourceFile] {
        guard let app = sources.first(where: { $0.path.split(separator: "/").last == "app.yaml" }) else {
            return sources
        }
        let prefix = app.path.dropLast("app.yaml".count)
        return sources.map { file in
            guard file.path.hasPrefix(prefix) else { return file }
            return SourceFile(path: String(file.path.dropFirst(prefix.count)), bytes: file.bytes)
        }
    }

    package static func hash(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let hash = SHA256.hash(data: bytes).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return String(decoding: hash, as: UTF8.self)
    }
}
