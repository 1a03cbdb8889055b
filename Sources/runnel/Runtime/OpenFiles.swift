import Foundation

/// How many files this process may have open: each connection is one.
enum OpenFiles {
    /// Kept for the database, requests to services, the workers' pipes and the admin socket.
    private static let reserve = 256
    /// Beyond this nobody asks for more, whatever the system would give.
    private static let wanted: rlim_t = 16_384

    /// Takes what the system lets this process have: many a login gives 1,024, and the rest for the asking.
    ///
    /// - Returns: The connections that a server may hold besides all else; a listener that finds no file for the next
    ///   one would try it again and again.
    static func raised() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return reserve }
        if limit.rlim_cur < wanted {
            var more = limit
            more.rlim_cur = min(wanted, limit.rlim_max)
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &more) == 0 { limit = more }
        }
        return max(16, Int(min(limit.rlim_cur, wanted)) - reserve)
    }
}
