import FlowLanguage
import Foundation
import Payments

/// The files of an app that `payments activate` and `deactivate` read and write, named from the app's folder.
struct AppFiles {
    /// `payments:` of app.yaml, while it is taken out.
    static let section = ".templates/payments.yaml"
    /// Callback flows, while payments are off: nothing reads them there.
    private static let inactive = ".templates/inactive"

    private let base: URL

    init(_ app: String) { base = URL(filePath: app) }

    /// Where the text is kept that a flow's file began with.
    static func template(of path: String) -> String { ".templates/\(path)" }

    func read(_ path: String) -> String? {
        // A file that is not there is an answer.
        try? String(contentsOf: base.appending(path: path), encoding: .utf8)
    }

    func write(_ text: String, to path: String) throws {
        let target = base.appending(path: path)
        try FileManager.default.createDirectory(
            at: target.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(text.utf8).write(to: target, options: .atomic)
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(at: base.appending(path: path)) }

    /// Puts a flow aside.
    func setAside(_ path: String) throws {
        guard let text = read(path) else { return }
        try write(text, to: "\(Self.inactive)/\(path)")
        try remove(path)
    }

    /// Puts back what was set aside, where nothing new stands in its place.
    func restoreInactive() throws {
        let folder = "\(Self.inactive)/flows"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: base.appending(path: folder).path)) ?? []
        for name in names.sorted() where read("flows/\(name)") == nil {
            guard let text = read("\(folder)/\(name)") else { continue }
            try write(text, to: "flows/\(name)")
            try remove("\(folder)/\(name)")
        }
    }

    /// Whether the app passes the check when one of its files holds another text.
    static func compiles(_ app: String, with path: String, holding text: String) throws -> Bool {
        try findings(app) { $0.hasSuffix(path) ? text : nil }.isEmpty
    }

    /// The errors of the app with some of its files changed; an empty text leaves the file out.
    static func findings(_ app: String, changing change: (String) -> String?) throws -> [Diagnostic] {
        let sources = try AppFolder.read(app).compactMap { source -> SourceFile? in
            guard let text = change(source.path) else { return source }
            return text.isEmpty ? nil : SourceFile(path: source.path, bytes: Array(text.utf8))
        }
        return AppCompiler(catalogue: PaymentsCatalogue.catalogue).compile(sources).diagnostics
            .filter { $0.severity == .error }
    }
}
