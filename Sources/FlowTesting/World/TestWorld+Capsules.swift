import Capsules
import Connections
import FlowEngine
import FlowLanguage

extension TestWorld {
    /// The runs that nobody waited for, oldest first, each with those that it waited for; none when the store died.
    func capsules(of sources: [SourceFile]) async throws -> [Capsule] {
        guard !isDead else { return [] }
        let export = CapsuleExport(sources: sources, secrets: secrets, program: "runnel test")
        let runs = try await read { (reader) throws(StoreError) in
            try reader.runs(matching: RunFilter(limit: Self.capsulesMax))
        }
        var capsules: [Capsule] = []
        for run in runs.reversed() where run.start.parent == nil {
            if let capsule = try await export.capsule(of: run.id, in: store, at: clock.now()) {
                capsules.append(capsule)
            }
        }
        return capsules
    }

    private static let capsulesMax = 1_000

    /// Those of the case's services, which are fakes; they look like others and are scrubbed as others are.
    private var secrets: [String: Secret] {
        var secrets: [String: Secret] = [:]
        let source = FakeSecrets(given: given.secrets)
        for connection in app.connections {
            let isStripe = connection.service == "stripe"
            for part in isStripe ? ["secretKey", "publishableKey", "webhookSecret"] : ["apiKey"] {
                let name = "\(connection.name).test.\(part)"
                secrets[name] = source.secret(named: name)
            }
        }
        return secrets
    }
}
