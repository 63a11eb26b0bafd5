-- Connectors that a person brought along, and the records of streams that have no place among our tables.

-- One row per revision: nothing a person wrote is overwritten, and the newest counts.
CREATE TABLE imported_connectors (
    id       TEXT    NOT NULL,
    revision INTEGER NOT NULL CHECK (revision >= 1),
    name     TEXT    NOT NULL,
    manifest TEXT    NOT NULL,
    -- How its streams become our tables; empty when every stream is kept as it comes.
    mapping  TEXT    NOT NULL,
    licence  TEXT,
    origin   TEXT,
    -- The connector of ours that this is a copy of: its sign-in is used.
    copy_of  TEXT,
    saved_at INTEGER NOT NULL,
    PRIMARY KEY (id, revision)
) STRICT, WITHOUT ROWID;

-- Data are appended in the order they come; the random part of a key lies in the small index alone.
CREATE TABLE records (
    num        INTEGER PRIMARY KEY AUTOINCREMENT,
    connection INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    stream     TEXT    NOT NULL,
    -- What makes the record itself: its key's fingerprint, else its text's or its place in the read.
    key_hash   BLOB    NOT NULL,
    key        TEXT,
    data       TEXT    NOT NULL,
    read_at    INTEGER NOT NULL,
    run        INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX records_by_key ON records (connection, stream, key_hash);
CREATE INDEX records_in_order ON records (connection, stream, num);

-- Records of a slice that replaces its stream wait here until it is whole. Emptied when the workspace is opened.
CREATE TABLE staged_records (
    run      INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    place    INTEGER NOT NULL,
    key_hash BLOB    NOT NULL,
    key      TEXT,
    data     TEXT    NOT NULL,
    PRIMARY KEY (run, seq, place)
) STRICT, WITHOUT ROWID;

-- Where a stream of records stands, in the connector's own words.
CREATE TABLE stream_states (
    connection INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    stream     TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (json_valid(state)),
    saved_at   INTEGER NOT NULL,
    PRIMARY KEY (connection, stream)
) STRICT, WITHOUT ROWID;
