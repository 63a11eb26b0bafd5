-- Several programs may have the workspace open; one of them is on duty: it alone collects. And what anybody may ask of a run.

-- Who is on duty. No clock decides it: `beat` grows while the holder lives, and whoever sees it stand still for long enough takes over.
CREATE TABLE lease (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    -- Which program, in words for a person; NULL: nobody.
    holder   TEXT,
    -- Whether the holder stays and looks at schedules; a command that ends by itself does not.
    stays    INTEGER NOT NULL CHECK (stays IN (0, 1)),
    -- Whether a program that stays waits for one that does not to hand over.
    wanted   INTEGER NOT NULL CHECK (wanted IN (0, 1)),
    -- Grows with every taking over. Writes of the program on duty name it, so that one that slept through its replacement writes nothing.
    token    INTEGER NOT NULL,
    beat     INTEGER NOT NULL,
    -- Grows with every change of the database: how a program learns of what others have written.
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO lease (one, holder, stays, wanted, token, beat, revision) VALUES (1, NULL, 0, 0, 0, 0, 0);

-- What a person asked of a run and the program on duty has not done yet.
ALTER TABLE runs ADD COLUMN wish TEXT CHECK (wish IN ('stop', 'pause'));
-- The streams that were asked for; NULL: all that are on.
ALTER TABLE runs ADD COLUMN streams TEXT CHECK (streams IS NULL OR json_valid(streams));
