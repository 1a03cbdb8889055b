package import Expressions
package import FlowEngine
package import FlowLanguage

/// How the payment feature of an app stands: what `runnel payments status` prints.
package struct PaymentsOverview: Sendable, Hashable {
    package var connection: String
    package var orderTable: String
    package var mode: Mode
    /// The credentials of this mode that are set, by name.
    package var secrets: [String]
    package var missingSecrets: [String]
    /// Callback triggers and the flows that have them; empty where none has.
    package var callbacks: [CallbackTrigger: [String]]
    package var openPayments: Int
    package var refundsUnderWay: Int
    package var openRecurringPayments: Int
    /// Events whose object is not known here.
    package var unmatchedEvents: Int
    /// Thin events whose object is still to be fetched.
    package var awaitingEvents: Int

    /// Counts stop here.
    package static let countMax = 1_000

    /// Reads what is recorded; nil for an app without `payments:`.
    package init?(of app: App, mode: Mode, in reader: any StoreReader) throws(StoreError) {
        guard let declaration = app.payments else { return nil }
        connection = declaration.connection
        orderTable = declaration.orderTable
        self.mode = mode
        let known = try reader.secretNames()
        let wanted = ["secretKey", "publishableKey", "webhookSecret"].map {
            "\(declaration.connection).\(mode.rawValue).\($0)"
        }
        secrets = wanted.filter(known.contains)
        missingSecrets = wanted.filter { !known.contains($0) }
        callbacks = [:]
        for trigger in CallbackTrigger.allCases { callbacks[trigger] = app.flows(on: trigger).map(\.name) }
        let count = { (table: Table, statuses: [String]) throws(StoreError) -> Int in
            try reader.find(
                RecordQuery(
                    table: table.name,
                    where: [ResolvedCondition("status", .in, .value(.list(statuses.map { .string($0) })))],
                    limit: Self.countMax
                )
            ).count
        }
        openPayments = try count(PaymentsTables.payments, PaymentStatus.open.map(\.rawValue))
        refundsUnderWay = try count(
            PaymentsTables.refunds,
            RefundStatus.allCases.filter { $0.share == .pending }.map(\.rawValue)
        )
        openRecurringPayments = try count(PaymentsTables.recurringPayments, RecurringStatus.open.map(\.rawValue))
        let deliveries = { (status: Delivery.Status) throws(StoreError) -> Int in
            let filter = DeliveryFilter(source: PaymentsFeature.source, status: status, limit: Self.countMax)
            return try reader.deliveries(matching: filter).count
        }
        unmatchedEvents = try deliveries(.unmatched)
        awaitingEvents = try deliveries(.awaiting)
    }

    /// As JSON, for `--json` and the admin socket.
    package var value: Value {
        var flows = ValueMap()
        for trigger in CallbackTrigger.allCases {
            flows[trigger.rawValue] = .list((callbacks[trigger] ?? []).map { .string($0) })
        }
        return [
            "connection": .string(connection), "orderTable": .string(orderTable), "mode": .string(mode.rawValue),
            "secrets": .list(secrets.map { .string($0) }),
            "missingSecrets": .list(missingSecrets.map { .string($0) }), "callbacks": .map(flows),
            "openPayments": .int(Int64(openPayments)), "refundsUnderWay": .int(Int64(refundsUnderWay)),
            "openRecurringPayments": .int(Int64(openRecurringPayments)),
            "unmatchedEvents": .int(Int64(unmatchedEvents)), "awaitingEvents": .int(Int64(awaitingEvents)),
        ]
    }
}
