-- What people said of anomalies: days of a connection that are far from what such days are.

CREATE TABLE anomaly_feedback (
    connection    INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    metric        TEXT    NOT NULL,
    date          INTEGER NOT NULL,
    -- 'ignored': about this day alone. 'expected': its level is no news for the weeks that the baseline needs to learn by itself.
    verdict       TEXT    NOT NULL CHECK (verdict IN ('ignored', 'expected')),
    -- The day's value as a factor of its usual, in millionths, as it was told; NULL: usual was nothing.
    factor_micros INTEGER,
    decided_at    INTEGER NOT NULL,
    PRIMARY KEY (connection, metric, date)
) STRICT, WITHOUT ROWID;
