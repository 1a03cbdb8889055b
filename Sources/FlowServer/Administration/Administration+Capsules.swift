import Capsules
import Connections
package import FlowEngine

extension Administration {
    package func capsule(of run: RunID) async throws(AdministrationError) -> [UInt8] {
        let export = CapsuleExport(sources: sources, secrets: try await allSecrets(), program: "runnel \(version)")
        let capsule: Capsule?
        do throws(StoreError) {
            capsule = try await export.capsule(of: run, in: store, at: clock.now())
        } catch {
            throw AdministrationError(error)
        }
        guard let capsule else { throw AdministrationError(.notFound, "there is no run \(run)") }
        let bytes = CapsuleText.encode(capsule)
        guard bytes.count <= CapsuleText.byteLimit else {
            throw AdministrationError(.invalid, "run \(run) is too large for a capsule")
        }
        return bytes
    }

    /// What must not get into a capsule: a secret that cannot be opened cannot be looked for.
    private func allSecrets() async throws(AdministrationError) -> [String: Secret] {
        guard let vault else {
            guard try await secretNames().isEmpty else {
                throw AdministrationError(.unavailable, "there is no key to open the secrets that must stay out")
            }
            return [:]
        }
        do {
            return try await vault.all()
        } catch {
            throw AdministrationError(secret: error)
        }
    }
}
