import Synchronization

/// The runs that had a turn in the open group, and how it left them.
///
/// A turn shows in memory once its group is on disk. Until then another one of the same run in the same group would
/// begin from what was before, and what waits for the commit would be done twice.
final class GroupTurns: Sendable {
    private let stops = Mutex<[RunID: Turn.Stop]>([:])

    func reset() { stops.withLock { $0 = [:] } }
    func note(_ stop: Turn.Stop, of run: RunID) { stops.withLock { $0[run] = stop } }
    func stop(of run: RunID) -> Turn.Stop? { stops.withLock { $0[run] } }
}
