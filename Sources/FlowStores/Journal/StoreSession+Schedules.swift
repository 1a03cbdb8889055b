import FlowEngine

extension StoreSession {
    private static let allSchedules = FixedStatement("SELECT flow, definition, next_at FROM schedules")
    private static let save = FixedStatement(
        """
        INSERT INTO schedules (flow, definition, next_at) VALUES (?, ?, ?)
        ON CONFLICT (flow) DO UPDATE SET definition = excluded.definition, next_at = excluded.next_at
        """
    )

    func schedules() throws(StoreError) -> [ScheduleRecord] {
        try all(try prepared(Self.allSchedules)) { row throws(StoreError) in
            // One that cannot be read is planned anew, and holds up no other.
            try row.unlessCorrupt { row throws(StoreError) in
                ScheduleRecord(
                    flow: try row.text(0),
                    definition: try row.text(1),
                    nextAt: try row.optionalTimestamp(2)
                )
            }
        }.compactMap(\.self)
    }

    func saveSchedule(_ schedule: ScheduleRecord) throws(StoreError) {
        let statement = try prepared(Self.save)
        statement.bind(schedule.flow)
        statement.bind(schedule.definition)
        statement.bind(schedule.nextAt)
        try execute(statement)
    }
}
