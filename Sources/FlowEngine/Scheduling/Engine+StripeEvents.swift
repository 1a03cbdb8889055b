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
        for name in flowsOfStripeEvents[type] ?? [] {
            guard let graph = app.flows[name] else { continue }
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

extension App {
    /// The names of the flows that an event of Stripe starts, by its type, in the order in which they are started.
    var flowsOfStripeEvents: [String: [String]] {
        var names: [String: [String]] = [:]
        for (name, graph) in flows {
            guard case .stripe(let types) = graph.trigger else { continue }
            for type in Set(types) { names[type, default: []].append(name) }
        }
        return names.mapValues { $0.sorted() }
    }
}
