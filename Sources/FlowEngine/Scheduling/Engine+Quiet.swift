import Synchronization

// For whoever decides himself in which order things happen: tests and torture.
extension Engine {
    /// Returns when nothing moves by itself any more: no turn waits, and every request under way is one that the
    /// transport holds back.
    ///
    /// Counts no time: what waits for the clock waits on. `held` says how many requests the transport has and has not
    /// answered.
    package func waitUntilQuiet(holding held: @Sendable () -> Int) async {
        while true {
            await writer.idle()
            // In this order: a request is counted before its turn leaves the writer, and answered behind it.
            let underWay = requestsUnderWay.load(ordering: .sequentiallyConsistent)
            if held() == underWay, writer.isIdle,
                requestsUnderWay.load(ordering: .sequentiallyConsistent) == underWay
            {
                return
            }
            await Task.yield()
        }
    }
}
