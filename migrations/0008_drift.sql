-- What a platform's answers really contain: their form, what of it changed, what could not be read, and the platform's own sums.

-- The form of each stream's records as it was learned or accepted. It holds names, types and words of closed lists, no data.
CREATE TABLE contracts (
    connection INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    stream     TEXT    NOT NULL,
    shape      TEXT    NOT NULL CHECK (json_valid(shape)),
    -- When the first whole read was over; NULL: it is still being learned, and nothing new is told.
    settled_at INTEGER,
    PRIMARY KEY (connection, stream)
) STRICT, WITHOUT ROWID;

-- Changes of form, each told once.
CREATE TABLE drifts (
    num          INTEGER PRIMARY KEY AUTOINCREMENT,
    connection   INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    stream       TEXT    NOT NULL,
    kind         TEXT    NOT NULL,
    path         TEXT    NOT NULL,
    -- The word, when a closed list has a new one; else empty.
    word         TEXT    NOT NULL,
    before       TEXT    NOT NULL,
    after        TEXT    NOT NULL,
    -- What the form gets when the change is accepted.
    learned      TEXT    NOT NULL CHECK (json_valid(learned)),
    record_count INTEGER NOT NULL,
    state        TEXT    NOT NULL,
    run          INTEGER REFERENCES runs (num) ON DELETE SET NULL,
    first_seen   INTEGER NOT NULL,
    last_seen    INTEGER NOT NULL,
    decided_at   INTEGER
) STRICT;
-- What is open or ignored is not told again.
CREATE UNIQUE INDEX drifts_once ON drifts (connection, stream, kind, path, word) WHERE state IN ('open', 'ignored');
CREATE INDEX drifts_of_run ON drifts (run);

-- The platform's own sums of an account's days, in the connection's currency, as they were when the days were read.
CREATE TABLE day_totals (
    connection  INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    date        INTEGER NOT NULL,
    impressions INTEGER,
    clicks      INTEGER,
    cost_micros INTEGER,
    read_at     INTEGER NOT NULL,
    PRIMARY KEY (connection, date)
) STRICT, WITHOUT ROWID;

-- A row stays in quarantine until its day is read again. `connection` is that of the run: a person looks at all rows of a connection.
ALTER TABLE quarantine ADD COLUMN connection INTEGER;
ALTER TABLE quarantine ADD COLUMN healed_at INTEGER;
UPDATE quarantine SET connection = (SELECT r.connection FROM runs AS r WHERE r.num = quarantine.run);
UPDATE quarantine SET healed_at = (
    SELECT min(coalesce(r.ended_at, r.started_at)) FROM runs AS r JOIN slices AS s ON s.run = r.num
    WHERE r.connection = quarantine.connection AND r.num > quarantine.run AND s.stream = quarantine.stream AND s.state = 'done'
      AND (s.window_from IS NULL OR quarantine.date IS NULL OR quarantine.date BETWEEN s.window_from AND s.window_to));
CREATE INDEX quarantine_open ON quarantine (connection, num) WHERE healed_at IS NULL;

-- Rows of the day that the last reading could not understand: without them its sums are too low.
ALTER TABLE day_reads ADD COLUMN rejected INTEGER NOT NULL DEFAULT 0;
