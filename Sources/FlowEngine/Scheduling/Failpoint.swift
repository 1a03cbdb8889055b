#if DEBUG || RUNNEL_FAILPOINTS
    import Foundation
    import Synchronization
#endif

/// A named point at which a test build can be made to die, fail or halt: `RUNNEL_FAILPOINT=name:n:kill|error|sleep`.
///
/// The n-th passage strikes. `sleep` holds the thread for a second, as a process that gets no processor is held.
///
/// Points "before" lie inside the group that makes a thing durable, points "after" behind its commit and before what
/// the commit releases. Behind an answer the engine has nothing to do, and behind a timer comes the claim, which has its
/// own points.
package enum Failpoint: String, Sendable, CaseIterable {
    case ingestBeforeCommit = "ingest-before-commit"
    case ingestAfterCommit = "ingest-after-commit"
    case answerBefore = "answer-before"
    case claimBeforeCommit = "claim-before-commit"
    case claimAfterCommit = "claim-after-commit"
    case entryBeforeCommit = "entry-before-commit"
    case turnAfterCommit = "turn-after-commit"
    case keyBeforeCommit = "key-before-commit"
    case keyOnDisk = "key-on-disk"
    case sendBefore = "send-before"
    case sendAfter = "send-after"
    case receiveBeforeCommit = "receive-before-commit"
    case receiveAfterCommit = "receive-after-commit"
    case retryBeforeCommit = "retry-before-commit"
    case retryAfterCommit = "retry-after-commit"
    case timerBefore = "timer-before"
    case childBeforeCommit = "child-before-commit"
    case childAfterCommit = "child-after-commit"
    case finishBeforeCommit = "finish-before-commit"
    case finishAfterCommit = "finish-after-commit"
    case pruneBeforeCommit = "prune-before-commit"
    case pruneAfterCommit = "prune-after-commit"

    /// Passes the point; in release builds this is nothing.
    ///
    /// - Throws: `.unavailable` when the point is armed with `error`.
    @inline(__always)
    func reach() throws(StoreError) {
        #if DEBUG || RUNNEL_FAILPOINTS
            if Self.armed?.hits(self) == true { throw StoreError(.unavailable, "failpoint \(rawValue)") }
        #endif
    }

    /// Passes a point behind a commit, where there is nothing to fail: `error` has no effect.
    @inline(__always)
    func pass() {
        #if DEBUG || RUNNEL_FAILPOINTS
            _ = Self.armed?.hits(self)
        #endif
    }
}

#if DEBUG || RUNNEL_FAILPOINTS
    extension Failpoint {
        private static let armed = Armed(ProcessInfo.processInfo.environment["RUNNEL_FAILPOINT"] ?? "")

        /// The one point that the environment names.
        private struct Armed: ~Copyable {
            private enum Strike: String {
                case kill, error, sleep
            }

            private let point: Failpoint
            private let strike: Strike
            /// Passages left until it strikes.
            private let left: Mutex<Int>

            init?(_ text: String) {
                let parts = text.split(separator: ":")
                guard
                    parts.count == 3, let point = Failpoint(rawValue: String(parts[0])), let count = Int(parts[1]),
                    let strike = Strike(rawValue: String(parts[2]))
                else { return nil }
                self.point = point
                self.strike = strike
                self.left = Mutex(count)
            }

            /// - Returns: Whether the point fails now; does not return when it kills, and later when it sleeps.
            func hits(_ point: Failpoint) -> Bool {
                guard point == self.point else { return false }
                let strikes = left.withLock { left in
                    left -= 1
                    return left == 0
                }
                guard strikes else { return false }
                switch strike {
                case .kill: kill(getpid(), SIGKILL)
                case .sleep: Thread.sleep(forTimeInterval: 1)
                case .error: break
                }
                return strike == .error
            }
        }
    }
#endif
