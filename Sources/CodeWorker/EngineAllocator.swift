import Glibc

/// JavaScriptCore's own allocator.
enum EngineAllocator {
    /// Lets it keep what was freed for a while, as it does on servers.
    ///
    /// Without a compiler of machine code the engine takes the machine for a small one: what has been free for five
    /// milliseconds goes back to the kernel, page by page, and comes back cleared at the next call. That was a fifth of
    /// the time of a megabyte of JSON. No option of the engine says otherwise, so its allocator's variables are set,
    /// once they are seen to hold what the small machine's setting is known to be: another version is left as it is.
    static func keepFreedPages() {
        guard
            let balances = variable("pas_physical_page_sharing_pool_balancing_enabled", of: Bool.self),
            let nanoseconds = variable("pas_scavenger_max_epoch_delta", of: Int64.self),
            let milliseconds = variable("pas_scavenger_period_in_milliseconds", of: Double.self),
            balances.pointee, nanoseconds.pointee == 5_000_000, milliseconds.pointee == 5
        else { return }
        balances.pointee = false
        nanoseconds.pointee = 300_000_000
        milliseconds.pointee = 100
    }

    /// Nil where the engine's library does not show it.
    private static func variable<Content>(_ name: String, of: Content.Type) -> UnsafeMutablePointer<Content>? {
        dlsym(nil, name)?.assumingMemoryBound(to: Content.self)
    }
}
