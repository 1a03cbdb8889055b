import HTTPTypes
import Synchronization

/// Counts answers by route pattern, method and status; all three come from short lists.
final class RequestCounts: Sendable {
    struct Key: Hashable, Comparable, Sendable {
        var route: String
        var method: String
        var status: Int

        static func < (left: Self, right: Self) -> Bool {
            (left.route, left.method, left.status) < (right.route, right.method, right.status)
        }
    }

    private static let methods: Set<String> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    private let counts = Mutex<[Key: Int]>([:])

    func count(route: String?, method: HTTPRequest.Method, status: Int) {
        let name = Self.methods.contains(method.rawValue) ? method.rawValue : "OTHER"
        let key = Key(route: route ?? "none", method: name, status: status)
        counts.withLock { $0[key, default: 0] += 1 }
    }

    /// In a fixed order.
    var all: [(key: Key, count: Int)] {
        counts.withLock { $0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
