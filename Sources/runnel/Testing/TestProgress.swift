import Foundation
import Synchronization

/// What standard error and output can show.
enum Terminal {
    static var isColoured: Bool {
        isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    }

    static var showsProgress: Bool { isatty(STDERR_FILENO) == 1 }
}

/// One line on a terminal that tells how far something is; nothing where nobody watches.
final class TestProgress: Sendable {
    private struct State {
        var done = 0
        var failed = 0
    }

    private let total: Int
    private let state = Mutex(State())
    private static let width = 30

    init(total: Int) { self.total = total }

    func advance(isPassed: Bool) {
        let (done, failed) = state.withLock { state in
            state.done += 1
            if !isPassed { state.failed += 1 }
            return (state.done, state.failed)
        }
        guard Terminal.showsProgress else { return }
        let filled = total == 0 ? Self.width : done * Self.width / total
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
        let trouble = failed == 0 ? "" : "  \(failed) failed"
        Console.progress("\(bar) \(done)/\(total)\(trouble)")
    }

    func end() {
        if Terminal.showsProgress { Console.progress("") }
    }
}
