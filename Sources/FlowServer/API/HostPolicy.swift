import HTTPTypes
import Synchronization

/// Decides by `Host` and `Origin` whether a request may come in: a page of another site must not reach a server on
/// the loopback interface through a name that was made to point there.
struct HostPolicy: Sendable {
    private let hosts: Set<String>
    private let origins: Set<String>
    private let lastAllowed = LastAllowed()

    init(publicHosts: [String], allowedOrigins: [String]) {
        hosts = Set(publicHosts.map { $0.lowercased() })
        origins = Set(allowedOrigins.map { $0.lowercased() })
    }

    /// - Throws: `Problem` 400 for a request without one proper Host, 403 for a Host or Origin that is not allowed.
    func check(_ head: HTTPRequest) throws {
        guard let authority = head.authority?.lowercased(), !authority.isEmpty, head.headerFields[.secondHost] == nil
        else {
            throw Problem(400, "host_required", "A request names one Host.")
        }
        guard allows(authority) else {
            throw Problem(403, "host_not_allowed", "The server does not answer under this Host.")
        }
        if let origin = head.headerFields[.origin], !isAllowed(origin: origin, under: authority) {
            throw Problem(403, "origin_not_allowed", "Pages of this Origin may not call the server.")
        }
    }

    /// Whether a page of `origin` may read the answers of a server called as `authority`.
    func isAllowed(origin: String, under authority: String) -> Bool {
        let origin = origin.lowercased()
        return origin == "http://\(authority)" || origin == "https://\(authority)" || origins.contains(origin)
    }

    /// Whether `origin` is another site's and allowed by configuration: then the answer says so.
    func isConfigured(origin: String) -> Bool { origins.contains(origin.lowercased()) }

    private func allows(_ authority: String) -> Bool {
        if lastAllowed.is(authority) { return true }
        guard let name = Self.name(of: authority),
            Self.isLoopback(name) || hosts.contains(name) || hosts.contains(authority)
        else { return false }
        lastAllowed.set(authority)
        return true
    }

    /// The authority without its port; nil when it is not of the form `name`, `name:port` or `[v6]:port`.
    static func name(of authority: String) -> String? {
        let rest: Substring
        let name: Substring
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            name = authority[...end]
            rest = authority[authority.index(after: end)...]
        } else {
            name = authority.prefix { $0 != ":" }
            rest = authority[name.endIndex...]
        }
        guard !name.isEmpty else { return nil }
        if rest.isEmpty { return String(name) }
        // Number parsing would take a sign.
        guard rest.first == ":", rest.utf8.dropFirst().allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(rest.dropFirst()), port > 0
        else { return nil }
        return String(name)
    }

    static func isLoopback(_ name: String) -> Bool {
        if name == "localhost" || name == "[::1]" { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { part in part.utf8.allSatisfy { (0x30...0x39).contains($0) } && UInt8(part) != nil }
    }
}

/// The authority that was let in last: nearly all requests name the same.
private final class LastAllowed: Sendable {
    private let authority = Mutex("")

    func `is`(_ candidate: String) -> Bool { authority.withLock { $0 == candidate } }
    func set(_ allowed: String) { authority.withLock { $0 = allowed } }
}

extension HTTPField.Name {
    /// The first Host header has become the authority; what is left under the name is a second one.
    fileprivate static let secondHost = name("Host")
}
