package import Expressions
import FlowLanguage

extension Engine {
    /// Starts the flows that wait for an event of Stripe, in the transaction that takes the event in.
    ///
    /// The caller has verified the event and told it from a repetition.
    package func startFlows(
        onStripe type: String,
        event: Value,
        at now: Timestamp,
        in transaction: any StoreTransaction
    ) throws(StoreError) {
        for graph in app.flows.values.sorted(by: { $0.name < $1.name }) {
            guard case .stripe(let types) = graph.trigger, types.contains(type) else { continue }
            let start = RunStart(
                flow: graph.name,
                version: graph.version,
                origin: .webhook,
                trigger: ["event": event],
                caller: .system,
                mode: mode
            )
            _ = try StartAdmission(graph, now: now).insert(start, in: transaction)
        }
    }
}
