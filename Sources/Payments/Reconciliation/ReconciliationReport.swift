package import Expressions
package import FlowEngine

/// What a reconciliation compared, found and repaired.
package struct ReconciliationReport: Sendable, Hashable {
    package struct Event: Sendable, Hashable {
        package var id: String
        package var type: String
        package var object: String?

        package init(id: String, type: String, object: String?) {
            self.id = id
            self.type = type
            self.object = object
        }
    }

    package var eventsCompared = 0
    package var objectsCompared = 0
    /// Events that Stripe lists and that never came here; they are taken in now.
    package var missedEvents: [Event] = []
    /// What moved on at Stripe without an event that could still be found, in words; it is taken over now.
    package var repairs: [String] = []
    /// What a person must look at.
    package var problems: [String] = []
    /// The callback runs that were started.
    package var runs: [RunID] = []

    package init() {}

    /// Nothing was missing.
    package var isClean: Bool { missedEvents.isEmpty && repairs.isEmpty && problems.isEmpty }
}

/// Stripe could not be asked: nothing is known of what was not compared yet.
package struct ReconciliationFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// Holds no key and nothing of an answer's body.
    package let description: String
    /// Stripe answers, but not with this object: others can be asked for.
    package let isOfOneObject: Bool

    package init(_ description: String, isOfOneObject: Bool = false) {
        self.description = description
        self.isOfOneObject = isOfOneObject
    }
}

/// What became of the thin events that waited for their objects.
package struct AwaitedObjects: Sendable, Hashable {
    /// The callback runs that followed.
    package var runs: [RunID] = []
    /// Why events wait on whose object Stripe refused to give, by their account and id.
    package var refused: [String: String] = [:]

    package init() {}
}

extension ReconciliationReport {
    /// As JSON, for `--json` and the admin socket.
    package var value: Value {
        [
            "eventsCompared": .int(Int64(eventsCompared)), "objectsCompared": .int(Int64(objectsCompared)),
            "missedEvents": .list(
                missedEvents.map { event in
                    [
                        "id": .string(event.id), "type": .string(event.type),
                        "object": event.object.map(Value.string) ?? .null,
                    ]
                }
            ),
            "repairs": .list(repairs.map { .string($0) }), "problems": .list(problems.map { .string($0) }),
            "runs": .list(runs.map { .int($0.rawValue) }),
        ]
    }
}
