import FlowLanguage
import FlowStores
import Foundation

/// A nursery of processes that may be killed: reads orders, a line each, forks a child for each, and tells what became
/// of it.
///
/// The app is compiled before the first fork, and nothing else is started, so a child begins in about a millisecond.
/// What is proved does not depend on it: a child is a process of its own that really dies.
@main
enum CrashProbe {
    static func main() {
        let app: App
        do {
            app = try ProbeApp.compiled()
        } catch {
            FileHandle.standardError.write(Data("the probe's app: \(error)\n".utf8))
            exit(2)
        }
        if CommandLine.arguments.count == 3, CommandLine.arguments[1] == "hold" { hold(CommandLine.arguments[2], app) }
        while let line = readLine() {
            guard let order = ProbeOrder(line: line) else {
                FileHandle.standardError.write(Data("no order: \(line)\n".utf8))
                exit(64)
            }
            FileHandle.standardOutput.write(Data((outcome(of: order, app).rawValue + "\n").utf8))
        }
    }

    /// Opens the store, says so, and stays its owner until somebody kills the process.
    private static func hold(_ folder: String, _ app: App) -> Never {
        guard let store = try? SQLiteStore(folder: folder, tables: app.tables) else { exit(1) }
        FileHandle.standardOutput.write(Data("!".utf8))
        while true { withExtendedLifetime(store) { _ = pause() } }
    }

    private static func outcome(of order: ProbeOrder, _ app: App) -> ProbeOutcome {
        let child = fork()
        if child == 0 { live(order, app) }
        guard child > 0 else { return .broken }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        if signal == SIGKILL { return .killed }
        return signal == 0 && (status >> 8) & 0xFF == 0 ? .survived : .broken
    }

    /// The life of a child: does as ordered and ends without tidying up.
    private static func live(_ order: ProbeOrder, _ app: App) -> Never {
        if let failpoint = order.failpoint { setenv("RUNNEL_FAILPOINT", failpoint, 1) }
        Task {
            do {
                try await ProbeRun(order: order, app: app).carryOut()
                _exit(0)
            } catch {
                FileHandle.standardError.write(Data("\(order.line): \(error)\n".utf8))
                _exit(1)
            }
        }
        dispatchMain()
    }
}
