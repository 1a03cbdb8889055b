extension Migration {
    /// Runs, journals, deliveries, settings, secrets, tokens, flow sources.
    ///
    /// Times are microseconds since 1970; texts that hold values are exact JSON.
    static let runsAndJournal = Migration(
        number: 1,
        sql: """
            CREATE TABLE store_state (
                name  TEXT PRIMARY KEY,
                value INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            INSERT INTO store_state VALUES ('boot_epoch', 0);

            CREATE TABLE applied_tables (
                name        TEXT PRIMARY KEY,
                declaration TEXT NOT NULL
            ) STRICT, WITHOUT ROWID;

            -- AUTOINCREMENT: an id is never given twice, since keys of outside effects are derived from it.
            CREATE TABLE runs (
                id              INTEGER PRIMARY KEY AUTOINCREMENT,
                flow            TEXT NOT NULL,
                version         TEXT NOT NULL,
                origin          TEXT NOT NULL,
                mode            TEXT NOT NULL,
                input           TEXT NOT NULL,
                trigger_value   TEXT,
                caller_id       TEXT,
                caller_roles    TEXT NOT NULL,
                lane            TEXT,
                parent_run      INTEGER,
                parent_path     TEXT,
                parent_visit    INTEGER,
                parent_attempt  INTEGER,
                parent_call     INTEGER,
                idempotency_key TEXT,
                status          TEXT NOT NULL,
                epoch           INTEGER NOT NULL,
                created_at      INTEGER NOT NULL,
                started_at      INTEGER,
                finished_at     INTEGER,
                wakes_at        INTEGER,
                answer          TEXT,
                failure         TEXT,
                strikes         INTEGER NOT NULL,
                trace           TEXT
            ) STRICT;
            CREATE INDEX runs_ready ON runs (id) WHERE status IN ('queued', 'running');
            CREATE INDEX runs_due ON runs (wakes_at)
                WHERE status IN ('waiting', 'retrying') AND wakes_at IS NOT NULL;
            CREATE INDEX runs_lane ON runs (lane, id)
                WHERE lane IS NOT NULL AND status IN ('queued', 'running', 'waiting', 'retrying');
            -- An anonymous caller is x'', which no text equals; NULL would make every row different.
            CREATE UNIQUE INDEX runs_idempotency ON runs (flow, ifnull(caller_id, x''), idempotency_key)
                WHERE idempotency_key IS NOT NULL;
            CREATE TRIGGER runs_final BEFORE UPDATE ON runs
                WHEN OLD.status IN ('succeeded', 'failed', 'cancelled')
                BEGIN SELECT RAISE(ABORT, 'runnel: final'); END;

            CREATE TABLE entries (
                run         INTEGER NOT NULL,
                path        TEXT NOT NULL,
                visit       INTEGER NOT NULL,
                attempt     INTEGER NOT NULL,
                call        INTEGER NOT NULL,
                sequence    INTEGER NOT NULL,
                block       TEXT NOT NULL,
                status      TEXT NOT NULL,
                started_at  INTEGER NOT NULL,
                finished_at INTEGER,
                input       TEXT,
                output      TEXT,
                failure     TEXT,
                key         TEXT,
                sends       INTEGER NOT NULL,
                trace       TEXT,
                PRIMARY KEY (run, path, visit, attempt, call)
            ) STRICT, WITHOUT ROWID;

            CREATE TABLE deliveries (
                id          INTEGER PRIMARY KEY AUTOINCREMENT,
                source      TEXT NOT NULL,
                account     TEXT NOT NULL,
                mode        TEXT NOT NULL,
                event_id    TEXT NOT NULL,
                type        TEXT NOT NULL,
                object      TEXT,
                received_at INTEGER NOT NULL,
                status      TEXT NOT NULL,
                run         INTEGER,
                repeated    INTEGER NOT NULL,
                body        BLOB NOT NULL
            ) STRICT;
            CREATE UNIQUE INDEX deliveries_event ON deliveries (source, account, event_id, mode);
            CREATE INDEX deliveries_object ON deliveries (object) WHERE object IS NOT NULL;
            -- Kept apart, so that counting costs nothing and outlives the deliveries.
            CREATE TABLE delivery_counts (
                source   TEXT PRIMARY KEY,
                accepted INTEGER NOT NULL,
                repeated INTEGER NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE TRIGGER deliveries_accepted AFTER INSERT ON deliveries BEGIN
                INSERT INTO delivery_counts VALUES (NEW.source, 1, 0)
                    ON CONFLICT (source) DO UPDATE SET accepted = accepted + 1;
            END;
            CREATE TRIGGER deliveries_repeated AFTER UPDATE OF repeated ON deliveries BEGIN
                UPDATE delivery_counts SET repeated = repeated + 1 WHERE source = NEW.source;
            END;

            CREATE TABLE settings (
                name  TEXT PRIMARY KEY,
                value BLOB NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE secrets (
                name   TEXT PRIMARY KEY,
                sealed BLOB NOT NULL
            ) STRICT, WITHOUT ROWID;
            CREATE TABLE tokens (
                id           TEXT PRIMARY KEY,
                hash         BLOB NOT NULL UNIQUE,
                caller_id    TEXT,
                caller_roles TEXT NOT NULL,
                created_at   INTEGER NOT NULL,
                revoked_at   INTEGER
            ) STRICT;
            CREATE TABLE flow_sources (
                version TEXT PRIMARY KEY,
                source  BLOB NOT NULL
            ) STRICT;
            """
    )
}
