package import FlowLanguage
import Synchronization

/// What is left of the app that a version of a flow was checked in.
package enum EarlierApp: Sendable {
    case found(App)
    /// Why no run can go on with it: a clause.
    case gone(String)
}

/// The app as it was when a run began whose flow was changed since, or a flow that this one runs: the run goes on with
/// its own version.
package final class EarlierVersions: Sendable {
    package typealias Load = @Sendable (FlowVersion, any StoreReader) throws(StoreError) -> EarlierApp

    /// Knows none: runs of earlier versions are paused.
    package static let none = EarlierVersions { _, _ in .gone("no earlier versions are kept here") }

    /// Apps in memory; beyond it they are loaded again.
    private static let knownMax = 32

    private struct Known {
        var apps: [FlowVersion: EarlierApp] = [:]
        var loads = 0
    }

    private let load: Load
    private let known = Mutex(Known())

    package init(load: @escaping Load) { self.load = load }

    func app(of version: FlowVersion, in reader: any StoreReader) throws(StoreError) -> App? {
        switch try find(version, in: reader) {
        case .found(let app): app
        case .gone: nil
        }
    }

    /// Why there is no app of a version; nil when there is one.
    func absence(of version: FlowVersion, in reader: any StoreReader) throws(StoreError) -> String? {
        switch try find(version, in: reader) {
        case .found: nil
        case .gone(let reason): reason
        }
    }

    private func find(_ version: FlowVersion, in reader: any StoreReader) throws(StoreError) -> EarlierApp {
        if let app = known.withLock({ $0.apps[version] }) { return app }
        let loaded = try load(version, reader)
        known.withLock { known in
            if known.loads >= Self.knownMax { known = Known() }
            known.loads += 1
            known.apps[version] = loaded
            guard case .found(let app) = loaded else { return }
            // A sub-flow that many flows run changes the versions of all of them at once: their runs share one app.
            for graph in app.flows.values where known.apps[graph.version] == nil {
                known.apps[graph.version] = loaded
            }
        }
        return loaded
    }
}
