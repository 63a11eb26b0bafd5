-- What connections cost their platforms, day by day: the log of requests keeps the newest of a run only, these counters keep all.

CREATE TABLE traffic (
    connection INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    -- The day in UTC, as days since 1970-01-01.
    date       INTEGER NOT NULL,
    requests   INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    -- Requests that repeated another one.
    retries    INTEGER NOT NULL,
    -- Requests without an answer, or with one of 400 and above.
    errors     INTEGER NOT NULL,
    PRIMARY KEY (connection, date)
) STRICT, WITHOUT ROWID;

-- What the platform said of its limits with an answer, as a JSON list of pairs, and why there was no usable one.
ALTER TABLE request_log ADD COLUMN limits TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(limits));
ALTER TABLE request_log ADD COLUMN failure TEXT;
