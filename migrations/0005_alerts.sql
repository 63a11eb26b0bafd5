-- What people should know without looking, what they were told, and how much a day changed when it was read again.

-- One alert per subject is alive at a time: finding it again changes it, and when its facts are over it is settled for good.
CREATE TABLE alerts (
    num        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT    NOT NULL UNIQUE,
    connection INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    kind       TEXT    NOT NULL,
    -- Empty when it is about no stream; the days are NULL when it is about none.
    stream     TEXT    NOT NULL,
    days_from  INTEGER,
    days_to    INTEGER,
    severity   TEXT    NOT NULL,
    params     TEXT    NOT NULL CHECK (json_valid(params)),
    run        INTEGER REFERENCES runs (num) ON DELETE SET NULL,
    opened_at  INTEGER NOT NULL,
    -- When a person wanted to hear no more of it.
    muted_at   INTEGER,
    -- When it was told by itself, as something urgent.
    told_at    INTEGER,
    settled_at INTEGER,
    CHECK ((days_from IS NULL) = (days_to IS NULL))
) STRICT;
CREATE UNIQUE INDEX one_living_alert ON alerts (connection, kind, stream, ifnull(days_from, -1), ifnull(days_to, -1))
    WHERE settled_at IS NULL;
CREATE INDEX alerts_by_end ON alerts (settled_at);
CREATE INDEX alerts_of_run ON alerts (run);

-- Only what a person changed; what a rule does otherwise stands in the program.
CREATE TABLE alert_rules (
    kind       TEXT    PRIMARY KEY NOT NULL,
    enabled    INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    severity   TEXT    NOT NULL,
    thresholds TEXT    NOT NULL CHECK (json_valid(thresholds))
) STRICT, WITHOUT ROWID;

-- What is told to people outside, whether or not anybody listens: a copy that needs nothing else to be delivered later.
CREATE TABLE tellings (
    num       INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT    NOT NULL UNIQUE,
    client_id TEXT    NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    kind      TEXT    NOT NULL CHECK (kind IN ('critical', 'digest')),
    -- The day of a digest, in the client's zone.
    date      INTEGER,
    made_at   INTEGER NOT NULL,
    alerts    TEXT    NOT NULL CHECK (json_valid(alerts)),
    CHECK ((kind = 'digest') = (date IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX one_digest_a_day ON tellings (client_id, date) WHERE kind = 'digest';

-- What the day's totals were before it was read again; NULL when it was read once, or before this was kept.
ALTER TABLE day_reads ADD COLUMN impressions_before INTEGER;
ALTER TABLE day_reads ADD COLUMN clicks_before INTEGER;
ALTER TABLE day_reads ADD COLUMN cost_before INTEGER;
ALTER TABLE day_reads ADD COLUMN conversions_before INTEGER;

-- Whose sums these are: streams of statistics write one level each.
ALTER TABLE day_reads ADD COLUMN level INTEGER CHECK (level BETWEEN 1 AND 4);
UPDATE day_reads SET level = m.level
    FROM (SELECT r.connection, s.stream, max(s.level) AS level FROM slices AS s JOIN runs AS r ON r.num = s.run
          WHERE s.window_from IS NOT NULL GROUP BY r.connection, s.stream) AS m
    WHERE m.connection = day_reads.connection AND m.stream = day_reads.stream;
