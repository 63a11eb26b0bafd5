-- The workspace database: what the first sync needs. Forward only: a released file is never edited, a change is a new file.
--
-- Conventions. Ids of ours are UUID text; inside, a compact `num` stands for them. `num` is AUTOINCREMENT so that a number is never
-- given twice and rows of a deleted connection cannot become another one's. Dates are days since 1970-01-01 in the account's zone;
-- instants are milliseconds since then in UTC. Levels: 1 account, 2 campaign, 3 ad group, 4 ad. VAT: 0 unknown, 1 included, 2 excluded.
-- Money and conversions are millionths. NULL is unknown, which is not zero.

CREATE TABLE workspace (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    id         TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    currency   TEXT    NOT NULL,
    time_zone  TEXT    NOT NULL,
    demo       INTEGER NOT NULL CHECK (demo IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE clients (
    id         TEXT    PRIMARY KEY NOT NULL,
    name       TEXT    NOT NULL,
    currency   TEXT    NOT NULL,
    time_zone  TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Apart from `clients`, so that a key can be destroyed by itself. Without it the client's sealed credentials open nowhere.
CREATE TABLE client_keys (
    client_id TEXT PRIMARY KEY NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    key       BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE connections (
    num                 INTEGER PRIMARY KEY AUTOINCREMENT,
    id                  TEXT    NOT NULL UNIQUE,
    client_id           TEXT    NOT NULL REFERENCES clients (id),
    connector           TEXT    NOT NULL,
    account_external_id TEXT    NOT NULL,
    account_name        TEXT    NOT NULL,
    currency            TEXT    NOT NULL,
    vat                 INTEGER NOT NULL CHECK (vat BETWEEN 0 AND 2),
    time_zone           TEXT    NOT NULL,
    config              TEXT    NOT NULL CHECK (json_valid(config)),
    state               TEXT    NOT NULL,
    lookback_days       INTEGER NOT NULL CHECK (lookback_days >= 0),
    first_load_days     INTEGER NOT NULL CHECK (first_load_days >= 0),
    -- The level whose rows are the connection's totals. Levels describe the same money and are never added up.
    totals_level        INTEGER NOT NULL CHECK (totals_level BETWEEN 1 AND 4),
    created_at          INTEGER NOT NULL,
    -- The same account twice under one client would double its totals.
    UNIQUE (client_id, connector, account_external_id)
) STRICT;

CREATE TABLE streams (
    connection INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    name       TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    enabled    INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    PRIMARY KEY (connection, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    num           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT    NOT NULL UNIQUE,
    connection    INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    started_by    TEXT    NOT NULL,
    range_from    INTEGER,
    range_to      INTEGER,
    state         TEXT    NOT NULL,
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER,
    waiting_until INTEGER,
    slices_total  INTEGER NOT NULL DEFAULT 0,
    slices_done   INTEGER NOT NULL DEFAULT 0,
    row_count     INTEGER NOT NULL DEFAULT 0,
    quarantined   INTEGER NOT NULL DEFAULT 0,
    requests      INTEGER NOT NULL DEFAULT 0,
    retries       INTEGER NOT NULL DEFAULT 0,
    failure       TEXT,
    CHECK ((range_from IS NULL) = (range_to IS NULL))
) STRICT;
CREATE INDEX runs_of_connection ON runs (connection, num);
CREATE INDEX runs_by_state ON runs (state, num);

CREATE TABLE slices (
    run         INTEGER NOT NULL REFERENCES runs (num) ON DELETE CASCADE,
    seq         INTEGER NOT NULL,
    stream      TEXT    NOT NULL,
    level       INTEGER NOT NULL CHECK (level BETWEEN 1 AND 4),
    window_from INTEGER,
    window_to   INTEGER,
    state       TEXT    NOT NULL,
    row_count   INTEGER NOT NULL DEFAULT 0,
    quarantined INTEGER NOT NULL DEFAULT 0,
    requests    INTEGER NOT NULL DEFAULT 0,
    retries     INTEGER NOT NULL DEFAULT 0,
    millis      INTEGER,
    failure     TEXT,
    PRIMARY KEY (run, seq),
    CHECK ((window_from IS NULL) = (window_to IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE run_log (
    num    INTEGER PRIMARY KEY,
    run    INTEGER NOT NULL REFERENCES runs (num) ON DELETE CASCADE,
    at     INTEGER NOT NULL,
    event  TEXT    NOT NULL,
    params TEXT    NOT NULL
) STRICT;
CREATE INDEX run_log_of_run ON run_log (run, num);

CREATE TABLE request_log (
    num     INTEGER PRIMARY KEY,
    run     INTEGER NOT NULL REFERENCES runs (num) ON DELETE CASCADE,
    at      INTEGER NOT NULL,
    method  TEXT    NOT NULL,
    url     TEXT    NOT NULL,
    status  INTEGER,
    millis  INTEGER NOT NULL,
    bytes   INTEGER NOT NULL,
    attempt INTEGER NOT NULL
) STRICT;
CREATE INDEX request_log_of_run ON request_log (run, num);

CREATE TABLE waits (
    num    INTEGER PRIMARY KEY,
    run    INTEGER NOT NULL REFERENCES runs (num) ON DELETE CASCADE,
    reason TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    until  INTEGER,
    millis INTEGER
) STRICT;
CREATE INDEX waits_of_run ON waits (run, num);

CREATE TABLE quarantine (
    num       INTEGER PRIMARY KEY,
    run       INTEGER NOT NULL REFERENCES runs (num) ON DELETE CASCADE,
    slice_seq INTEGER NOT NULL,
    stream    TEXT    NOT NULL,
    date      INTEGER,
    reason    TEXT    NOT NULL,
    field     TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    line      INTEGER,
    raw       TEXT    NOT NULL
) STRICT;
CREATE INDEX quarantine_of_run ON quarantine (run, slice_seq);

CREATE TABLE cursors (
    connection   INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    stream       TEXT    NOT NULL,
    -- The last day that was read and before which no day failed to be read.
    data_through INTEGER,
    -- The days that were ever read, as merged pairs of days: [[from, to], ...].
    read_ranges  TEXT    NOT NULL,
    PRIMARY KEY (connection, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE day_reads (
    connection INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    date       INTEGER NOT NULL,
    stream     TEXT    NOT NULL,
    reads      INTEGER NOT NULL,
    read_at    INTEGER NOT NULL,
    row_count  INTEGER NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('final', 'moving', 'failed')),
    failure    TEXT,
    PRIMARY KEY (connection, date, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE ad_objects (
    num                INTEGER PRIMARY KEY AUTOINCREMENT,
    connection         INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    level              INTEGER NOT NULL CHECK (level BETWEEN 1 AND 4),
    external_id        TEXT    NOT NULL,
    parent_external_id TEXT,
    -- NULL: statistics mentioned it before its dictionary was read.
    name               TEXT,
    status             TEXT    NOT NULL,
    UNIQUE (connection, level, external_id)
) STRICT;

-- The hot table. No foreign keys: two look-ups for each of a million rows. `store` is its only writer, deletes its rows with
-- their connection, and a test counts orphans.
CREATE TABLE campaign_stats (
    connection         INTEGER NOT NULL,
    level              INTEGER NOT NULL,
    date               INTEGER NOT NULL,
    object             INTEGER NOT NULL,
    breakdown          TEXT    NOT NULL,
    impressions        INTEGER,
    clicks             INTEGER,
    cost_micros        INTEGER,
    currency           TEXT    NOT NULL,
    vat                INTEGER NOT NULL,
    conversions_micros INTEGER,
    revenue_micros     INTEGER,
    PRIMARY KEY (connection, level, date, object, breakdown)
) STRICT, WITHOUT ROWID;

-- The rows that make up totals: the whole of an object's day, or its splits where the source never said the whole.
CREATE VIEW total_stats AS
SELECT * FROM campaign_stats AS s
WHERE s.breakdown = ''
   OR NOT EXISTS (
        SELECT 1 FROM campaign_stats AS w
        WHERE w.connection = s.connection AND w.level = s.level AND w.date = s.date AND w.object = s.object AND w.breakdown = '');

-- Rows of a slice that is too large for memory wait here until the slice is committed. Emptied when the workspace is opened.
CREATE TABLE staged_stats (
    run                INTEGER NOT NULL,
    seq                INTEGER NOT NULL,
    level              INTEGER NOT NULL,
    date               INTEGER NOT NULL,
    object             INTEGER NOT NULL,
    breakdown          TEXT    NOT NULL,
    impressions        INTEGER,
    clicks             INTEGER,
    cost_micros        INTEGER,
    currency           TEXT    NOT NULL,
    vat                INTEGER NOT NULL,
    conversions_micros INTEGER,
    revenue_micros     INTEGER,
    PRIMARY KEY (run, seq, level, date, object, breakdown)
) STRICT, WITHOUT ROWID;

-- A sum is NULL only when every input was. The key is ordered for both screens: thirty days of every connection, a year of one.
CREATE TABLE daily_rollups (
    connection         INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    level              INTEGER NOT NULL,
    date               INTEGER NOT NULL,
    currency           TEXT    NOT NULL,
    vat                INTEGER NOT NULL,
    impressions        INTEGER,
    clicks             INTEGER,
    cost_micros        INTEGER,
    conversions_micros INTEGER,
    revenue_micros     INTEGER,
    row_count          INTEGER NOT NULL,
    PRIMARY KEY (connection, level, date, currency, vat)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_log (
    number    INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    actor     TEXT    NOT NULL,
    action    TEXT    NOT NULL,
    subject   TEXT    NOT NULL,
    prev_hash BLOB    NOT NULL,
    hash      BLOB    NOT NULL
) STRICT;

-- The end of the chain, so that cutting entries off its end is noticed too.
CREATE TABLE audit_head (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL,
    hash   BLOB    NOT NULL
) STRICT;
