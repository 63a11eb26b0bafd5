-- The ways in which alerts reach people, and what became of each telling on each of them.

CREATE TABLE channels (
    num               INTEGER PRIMARY KEY AUTOINCREMENT,
    id                TEXT    NOT NULL UNIQUE,
    name              TEXT    NOT NULL,
    -- Where it leads, without its secret; the kind is among them.
    settings          TEXT    NOT NULL CHECK (json_valid(settings)),
    language          TEXT    NOT NULL,
    time_zone         TEXT    NOT NULL,
    -- Minutes of the day; NULL when it is never silent.
    quiet_from        INTEGER CHECK (quiet_from BETWEEN 0 AND 1439),
    quiet_to          INTEGER CHECK (quiet_to BETWEEN 0 AND 1439),
    critical_at_night INTEGER NOT NULL CHECK (critical_at_night IN (0, 1)),
    wants_critical    INTEGER NOT NULL CHECK (wants_critical IN (0, 1)),
    -- The least urgent that its digest has; NULL: no digest.
    wants_digest      TEXT,
    all_clients       INTEGER NOT NULL CHECK (all_clients IN (0, 1)),
    enabled           INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at        INTEGER NOT NULL,
    -- Seals the secret in the keychain. Neither alone opens anything.
    key               BLOB    NOT NULL,
    -- Tellings up to this number are not for it: they were made before it wanted them.
    after_telling     INTEGER NOT NULL,
    -- Why the last attempt failed, when it was, and how many have failed in a row; NULL and 0 after one that did not.
    failure           TEXT,
    failed_at         INTEGER,
    failures          INTEGER NOT NULL DEFAULT 0,
    -- When it is tried again; NULL with a failure: a person has to mend it first.
    retry_at          INTEGER,
    delivered_at      INTEGER,
    CHECK ((quiet_from IS NULL) = (quiet_to IS NULL))
) STRICT;

-- The chosen clients of a channel that has not all of them.
CREATE TABLE channel_clients (
    channel   INTEGER NOT NULL REFERENCES channels (num) ON DELETE CASCADE,
    client_id TEXT    NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    PRIMARY KEY (channel, client_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE channel_deliveries (
    channel  INTEGER NOT NULL REFERENCES channels (num) ON DELETE CASCADE,
    telling  INTEGER NOT NULL REFERENCES tellings (num) ON DELETE CASCADE,
    state    TEXT    NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- When it was delivered, passed over or last attempted.
    at       INTEGER,
    failure  TEXT,
    PRIMARY KEY (channel, telling)
) STRICT, WITHOUT ROWID;
CREATE INDEX channel_deliveries_waiting ON channel_deliveries (channel, telling) WHERE state = 'waiting';
CREATE INDEX channel_deliveries_of_telling ON channel_deliveries (telling);
