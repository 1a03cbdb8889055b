extension Migration {
    /// The conditions of indexes and triggers word by word, and logs that are pruned a hundred rows at a time.
    ///
    /// For an IN of more than two words within such a condition SQLite builds a table in memory, at each row again: an
    /// update of a run built ten, which took half of its time.
    static let spelledConditions = Migration(
        number: 9,
        sql: """
            DROP INDEX runs_lane;
            CREATE INDEX runs_lane ON runs (lane, id)
                WHERE lane IS NOT NULL
                  AND (status = 'queued' OR status = 'running' OR status = 'waiting' OR status = 'retrying');
            DROP INDEX runs_children;
            CREATE INDEX runs_children ON runs (parent_run)
                WHERE parent_run IS NOT NULL
                  AND status <> 'succeeded' AND status <> 'failed' AND status <> 'cancelled';
            DROP INDEX runs_concurrency;
            CREATE INDEX runs_concurrency ON runs (concurrency, held, id)
                WHERE concurrency IS NOT NULL
                  AND status <> 'succeeded' AND status <> 'failed' AND status <> 'cancelled';
            DROP INDEX runs_parked;
            CREATE INDEX runs_parked ON runs (status)
                WHERE (status = 'waiting' OR status = 'retrying' OR status = 'paused'
                       OR status = 'outcome-unknown' OR status = 'quarantined');
            DROP TRIGGER runs_final;
            CREATE TRIGGER runs_final BEFORE UPDATE ON runs
                WHEN OLD.status = 'succeeded' OR OLD.status = 'failed' OR OLD.status = 'cancelled'
                BEGIN SELECT RAISE(ABORT, 'runnel: final'); END;

            DROP TRIGGER changes_pruned;
            CREATE TRIGGER changes_pruned AFTER INSERT ON changes WHEN NEW.sequence % 100 = 0 BEGIN
                DELETE FROM changes WHERE sequence <= NEW.sequence - 10000;
            END;
            DROP TRIGGER audit_pruned;
            CREATE TRIGGER audit_pruned AFTER INSERT ON audit WHEN NEW.id % 100 = 0 BEGIN
                DELETE FROM audit WHERE id <= NEW.id - 100000;
            END;
            """
    )
}
