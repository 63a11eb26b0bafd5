-- When connections are collected by themselves, and how their last attempts went.

-- Every morning unless the person says otherwise, also for connections that were made before there was a schedule.
ALTER TABLE connections ADD COLUMN schedule TEXT NOT NULL
    DEFAULT '{"kind":"daily","at":"06:00","days":["mon","tue","wed","thu","fri","sat","sun"]}' CHECK (json_valid(schedule));

-- Whose turn comes when. A connection without a row has not been looked at by the scheduler yet.
CREATE TABLE turns (
    connection INTEGER PRIMARY KEY REFERENCES connections (num) ON DELETE CASCADE,
    -- The next start by the schedule; NULL: the schedule is off.
    next_at    INTEGER,
    -- The next attempt after a failure that time alone may heal; NULL: none is due.
    retry_at   INTEGER,
    -- Failed attempts in a row, those of an offline computer not counted.
    failures   INTEGER NOT NULL DEFAULT 0 CHECK (failures >= 0)
) STRICT;
