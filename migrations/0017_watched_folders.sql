-- Folders from which connections take files by themselves, and what is known of the files seen there.

CREATE TABLE watched_folders (
    connection INTEGER PRIMARY KEY NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    -- As the person wrote it. Two connections of one folder would quarrel about its files.
    path       TEXT    NOT NULL UNIQUE,
    -- Why it cannot be looked into; NULL while it can.
    failure    TEXT    CHECK (failure IS NULL OR json_valid(failure))
) STRICT;

-- Of the connection and not of its folder: what was taken stays taken when the folder is named anew.
CREATE TABLE watched_files (
    connection  INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    name        TEXT    NOT NULL,
    size        INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    -- SHA-256 of its bytes; NULL: they could not be read.
    hash        BLOB,
    -- Why it was not taken; NULL: it was, or the same bytes were before.
    failure     TEXT    CHECK (failure IS NULL OR json_valid(failure)),
    -- The run that took it or failed; a word, for the history may be shorter than this.
    run         TEXT,
    seen_at     INTEGER NOT NULL,
    PRIMARY KEY (connection, name)
) STRICT, WITHOUT ROWID;
