import Expressions
import FlowEngine
import FlowStores
import Foundation
import HTTPTypes

// A copy of the whole store, while it is being used.
extension Administration {
    package func backUp(to path: String) async throws(AdministrationError) -> Int {
        guard path.hasPrefix("/"), !path.utf8.contains(0) else {
            throw AdministrationError(.invalid, "a backup's path begins with '/'")
        }
        guard let store = store as? SQLiteStore else {
            throw AdministrationError(.unavailable, "this store cannot be backed up")
        }
        do {
            try await store.backUp(to: path)
        } catch {
            throw AdministrationError(error)
        }
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? Int) ?? 0
    }
}

extension AdminClient {
    package func backUp(to path: String) async throws(AdministrationError) -> Int {
        // Nothing comes before it is done, and a large store on a slow disk takes its time.
        let answer = try await ask("POST", "backup", ["path": .string(path)], waitingSeconds: 3_600)
        return Int(try Members(answer).int("bytes"))
    }
}

extension AdminRoutes {
    func addBackup(to table: inout RouteTable) {
        table.add(.post, "/admin/backup", access: .socket) { request, _ in
            try await answering(201) {
                let path = try await members(of: request).string("path")
                return ["bytes": .int(Int64(try await administration.backUp(to: path)))]
            }
        }
    }
}
