package import FlowLanguage
import Synchronization

/// The app as it was when a run began whose flow was changed since: the run goes on with its own version.
package final class EarlierVersions: Sendable {
    /// Nil for a version that is not kept, or that the tables of today do not fit any more.
    package typealias Load = @Sendable (FlowVersion, any StoreReader) throws(StoreError) -> App?

    /// Knows none: runs of earlier versions are paused.
    package static let none = EarlierVersions { _, _ in nil }

    /// Apps in memory; beyond it they are loaded again.
    private static let knownMax = 32

    private let load: Load
    private let known = Mutex<[FlowVersion: App?]>([:])

    package init(load: @escaping Load) { self.load = load }

    func app(of version: FlowVersion, in reader: any StoreReader) throws(StoreError) -> App? {
        if let app = known.withLock({ $0[version] }) { return app }
        let app = try load(version, reader)
        known.withLock { known in
            if known.count >= Self.knownMax { known = [:] }
            known[version] = .some(app)
        }
        return app
    }
}
