import CodeFrames
import Foundation

/// Finds the worker's program.
package enum WorkerLocation {
    package static let executable = WorkerInvocation.executable
    /// The variable that names it, for installations that keep programs apart.
    package static let variable = "RUNNEL_CODE_WORKER"

    /// Beside the running program, unless the environment names another; nil when it is not there.
    package static func find(environment: [String: String] = ProcessInfo.processInfo.environment) -> String? {
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        let path = environment[variable] ?? own.appending(path: WorkerInvocation.executable).path
        return FileManager.default.isExecutableFile(atPath: path) ? path : nil
    }
}
