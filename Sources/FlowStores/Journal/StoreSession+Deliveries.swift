import FlowEngine

extension StoreSession {
    private static let columns =
        "source, account, mode, event_id, type, object, received_at, body, status, run"
    private static let byEvent = FixedStatement(
        "SELECT \(columns) FROM deliveries WHERE source = ? AND account = ? AND mode = ? AND event_id = ?"
    )
    private static let isThere = FixedStatement(
        "SELECT 1 FROM deliveries WHERE source = ? AND account = ? AND event_id = ? AND mode = ?"
    )
    /// Reads them all, up to the limit.
    private static let matching = FixedStatement(
        """
        SELECT \(columns) FROM deliveries
        WHERE (?1 IS NULL OR source = ?1) AND (?2 IS NULL OR object = ?2) AND (?4 IS NULL OR status = ?4)
        ORDER BY id LIMIT ?3
        """
    )
    static let unmatchedOfObject = FixedStatement(
        """
        SELECT \(columns) FROM deliveries INDEXED BY deliveries_unmatched
        WHERE status = 'unmatched' AND object = ?2 AND (?1 IS NULL OR source = ?1) ORDER BY id LIMIT ?3
        """
    )
    static let unmatched = FixedStatement(
        """
        SELECT \(columns) FROM deliveries INDEXED BY deliveries_open
        WHERE status = 'unmatched' AND (?1 IS NULL OR source = ?1) AND (?2 IS NULL OR object = ?2)
        ORDER BY id LIMIT ?3
        """
    )
    static let awaiting = FixedStatement(
        """
        SELECT \(columns) FROM deliveries INDEXED BY deliveries_open
        WHERE status = 'awaiting' AND (?1 IS NULL OR source = ?1) AND (?2 IS NULL OR object = ?2)
        ORDER BY id LIMIT ?3
        """
    )
    private static let ofRun = FixedStatement("SELECT \(columns) FROM deliveries WHERE run = ? ORDER BY id LIMIT ?")
    private static let counts = FixedStatement("SELECT source, accepted, repeated FROM delivery_counts")
    private static let record = FixedStatement(
        """
        INSERT INTO deliveries (\(columns), repeated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
        ON CONFLICT (source, account, mode, event_id) DO NOTHING
        """
    )
    private static let `repeat` = FixedStatement(
        """
        UPDATE deliveries SET repeated = repeated + 1
        WHERE source = ? AND account = ? AND event_id = ? AND mode = ?
        """
    )
    private static let count = FixedStatement(
        """
        INSERT INTO delivery_counts VALUES (?, ?, ?)
        ON CONFLICT (source) DO UPDATE SET
          accepted = accepted + excluded.accepted, repeated = repeated + excluded.repeated
        """
    )
    private static let settle = FixedStatement(
        """
        UPDATE deliveries SET status = ?, run = ? WHERE source = ? AND account = ? AND event_id = ? AND mode = ?
        """
    )

    func hasDelivery(_ delivery: Delivery) throws(StoreError) -> Bool {
        let statement = try prepared(Self.isThere)
        statement.bind(delivery.source)
        statement.bind(delivery.account)
        statement.bind(delivery.eventID)
        statement.bind(delivery.mode.rawValue)
        return try first(statement) { _ throws(StoreError) in true } ?? false
    }

    func delivery(
        source: String,
        account: String,
        mode: Mode,
        eventID: String
    ) throws(StoreError) -> Delivery? {
        let statement = try prepared(Self.byEvent)
        statement.bind(source)
        statement.bind(account)
        statement.bind(mode.rawValue)
        statement.bind(eventID)
        return try first(statement, Self.delivery)
    }

    func deliveries(matching filter: DeliveryFilter) throws(StoreError) -> [Delivery] {
        if let run = filter.run {
            let statement = try prepared(Self.ofRun)
            statement.bind(run.rawValue)
            statement.bind(max(0, filter.limit))
            return try all(statement, Self.delivery)
        }
        let query =
            switch filter.status {
            case .unmatched: filter.object == nil ? Self.unmatched : Self.unmatchedOfObject
            case .awaiting: Self.awaiting
            case .accepted, .ignored, .stale, nil: Self.matching
            }
        let statement = try prepared(query)
        statement.bind(filter.source)
        statement.bind(filter.object)
        statement.bind(max(0, filter.limit))
        if query === Self.matching { statement.bind(filter.status?.rawValue) }
        let deliveries = try all(statement, Self.delivery)
        accesses?.append(.deliveries(deliveries))
        return deliveries
    }

    private static func delivery(_ row: PreparedStatement) throws(StoreError) -> Delivery {
        Delivery(
            source: try row.text(0),
            account: try row.text(1),
            mode: try row.word(2, Mode.self),
            eventID: try row.text(3),
            type: try row.text(4),
            object: try row.optionalText(5),
            receivedAt: try row.timestamp(6),
            body: try row.blob(7),
            status: try row.word(8, Delivery.Status.self),
            run: try row.optionalInt(9).map { RunID($0) }
        )
    }

    func deliveryCounts() throws(StoreError) -> [String: DeliveryCounts] {
        try countDeliveries()
        let rows = try all(try prepared(Self.counts)) { row throws(StoreError) in
            (source: try row.text(0), counts: DeliveryCounts(accepted: try row.count(1), repeated: try row.count(2)))
        }
        return Dictionary(rows.map { ($0.source, $0.counts) }) { first, _ in first }
    }

    func recordDelivery(_ delivery: Delivery) throws(StoreError) -> Bool {
        let statement = try prepared(Self.record)
        statement.bind(delivery.source)
        statement.bind(delivery.account)
        statement.bind(delivery.mode.rawValue)
        statement.bind(delivery.eventID)
        statement.bind(delivery.type)
        statement.bind(delivery.object)
        statement.bind(delivery.receivedAt)
        statement.bindBlob(delivery.body)
        statement.bind(delivery.status.rawValue)
        statement.bind(delivery.run?.rawValue)
        let isNew = try execute(statement) == 1
        if isNew {
            deliveriesToCount[delivery.source, default: DeliveryCounts()].accepted += 1
        } else {
            try countRepetition(of: delivery)
        }
        return isNew
    }

    private func countRepetition(of delivery: Delivery) throws(StoreError) {
        let statement = try prepared(Self.repeat)
        statement.bind(delivery.source)
        statement.bind(delivery.account)
        statement.bind(delivery.eventID)
        statement.bind(delivery.mode.rawValue)
        try execute(statement)
        deliveriesToCount[delivery.source, default: DeliveryCounts()].repeated += 1
    }

    /// Adds what the open group has recorded to the counts: once a group, since a trigger would write them for each row.
    func countDeliveries() throws(StoreError) {
        for (source, counts) in deliveriesToCount {
            let statement = try prepared(Self.count)
            statement.bind(source)
            statement.bind(counts.accepted)
            statement.bind(counts.repeated)
            try execute(statement)
        }
        deliveriesToCount = [:]
    }

    func settleDelivery(
        source: String,
        account: String,
        mode: Mode,
        eventID: String,
        status: Delivery.Status,
        run: RunID?
    ) throws(StoreError) {
        let statement = try prepared(Self.settle)
        statement.bind(status.rawValue)
        statement.bind(run?.rawValue)
        statement.bind(source)
        statement.bind(account)
        statement.bind(eventID)
        statement.bind(mode.rawValue)
        guard try execute(statement) == 1 else {
            throw StoreError(.constraint, "there is no such delivery of \(source)")
        }
    }
}
