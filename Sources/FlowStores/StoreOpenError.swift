package import FlowEngine

/// Why a store could not be opened.
///
/// Nothing of it was changed, except that migrations that were done stay done.
package enum StoreOpenError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Another process owns it; nil when that process has not written its name yet.
    case inUse(pid: Int32?)
    /// The folder or a file in it cannot be made.
    case folder(String)
    /// `.schema` when the tables need more than adding; `.corrupt`, `.full`, `.unavailable`.
    case store(StoreError)

    package var description: String {
        switch self {
        case .inUse(let pid?): "the store is in use by process \(pid)"
        case .inUse(nil): "the store is in use by another process"
        case .folder(let reason): "the store's folder: \(reason)"
        case .store(let error): error.description
        }
    }
}
