import Connections
import CustomCode
import FlowLanguage

/// Custom Code in this process: the pool, if a worker is installed beside the command.
enum CodeRuntime {
    static let missing = "no \(WorkerLocation.executable) beside this command, nor named by \(WorkerLocation.variable)"

    static func pool(
        connections: [ConnectionDeclaration] = [],
        credentials: ExplicitCredentials = ExplicitCredentials()
    ) -> CodePool? {
        WorkerLocation.find().map {
            CodePool(CodePool.Configuration(executable: $0), credentials: credentials, connections: connections)
        }
    }

    /// A line for each wall around code; one line, when there is no worker that has any.
    static func walls() async -> [(isWell: Bool, text: String)] {
        guard let pool = pool() else { return [(true, "\(missing): code blocks cannot run")] }
        do {
            let report = try await pool.probe()
            return report.walls.map { wall in
                guard !wall.stands else { return (true, wall.summary) }
                return (true, "not here, and not needed: \(wall.summary)")
            } + [(true, "Landlock's interface is of version \(report.landlockABI)")]
        } catch {
            return [(false, "\(error)")]
        }
    }

    static func hasCode(_ app: App) -> Bool {
        app.flows.values.contains { flow in
            flow.nodes.contains { node in
                if case .code = node.action { true } else { false }
            }
        }
    }

    /// What of an app's code does not parse; a note instead, when nothing here could tell.
    static func syntaxFindings(in app: App) async -> [Diagnostic] {
        guard hasCode(app) else { return [] }
        guard let pool = pool() else {
            Console.note("the app's code is not looked at: \(missing)")
            return []
        }
        do {
            return try await CodeSyntaxCheck(pool).findings(in: app)
        } catch {
            Console.note("the app's code is not looked at: \(error)")
            return []
        }
    }
}
