/// Conditions on a run's status, to the word as the partial indexes of `runs` have them: only then are those used.
///
/// None has an IN of more than two words (`Migration.spelledConditions`).
enum StatusCondition {
    static let isOpen = "status <> 'succeeded' AND status <> 'failed' AND status <> 'cancelled'"
    static let isUndone = "(status = 'failed' OR status = 'cancelled')"
    static let isParked = """
        (status = 'waiting' OR status = 'retrying' OR status = 'paused'
         OR status = 'outcome-unknown' OR status = 'quarantined')
        """

    /// Of the runs that wait for their turn in a lane or have it; `run` is the table's name in the query.
    static func takesLane(_ run: String) -> String {
        "(\(run).status = 'queued' OR \(run).status = 'running' OR \(run).status = 'waiting' OR \(run).status = 'retrying')"
    }
}
