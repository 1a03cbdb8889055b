extension Migration {
    /// The log of changes of tables that can be subscribed to, and what was refused.
    ///
    /// Both prune themselves as they grow, one row for one: nothing has to come round later.
    static let changesAndAudit = Migration(
        number: 3,
        sql: """
            -- AUTOINCREMENT: subscribers resume by a sequence, which must mean the same change for ever.
            CREATE TABLE changes (
                sequence     INTEGER PRIMARY KEY AUTOINCREMENT,
                table_name   TEXT NOT NULL,
                row          INTEGER NOT NULL,
                kind         TEXT NOT NULL,
                former_owner TEXT
            ) STRICT;
            CREATE INDEX changes_of_table ON changes (table_name, sequence);
            CREATE TRIGGER changes_pruned AFTER INSERT ON changes BEGIN
                DELETE FROM changes WHERE sequence <= NEW.sequence - 10000;
            END;

            CREATE TABLE audit (
                id           INTEGER PRIMARY KEY AUTOINCREMENT,
                at           INTEGER NOT NULL,
                action       TEXT NOT NULL,
                subject      TEXT NOT NULL,
                caller_id    TEXT,
                caller_roles TEXT NOT NULL,
                reason       TEXT NOT NULL
            ) STRICT;
            CREATE TRIGGER audit_pruned AFTER INSERT ON audit BEGIN
                DELETE FROM audit WHERE id <= NEW.id - 100000;
            END;
            """
    )
}
