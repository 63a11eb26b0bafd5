-- Sign-ins as a thing of their own: one is shared by all connections that were made from it, and renewing it repairs them all.

CREATE TABLE sign_ins (
    id           TEXT    PRIMARY KEY NOT NULL,
    connector    TEXT    NOT NULL,
    -- Who authorised it, as the platform calls them; NULL: it does not say.
    owner        TEXT,
    -- What it may do, as a JSON list of the platform's words; NULL: the platform does not say.
    scopes       TEXT    CHECK (scopes IS NULL OR json_valid(scopes)),
    -- When a person signed in.
    issued_at    INTEGER NOT NULL,
    -- The end of the access token in use; it renews itself.
    access_until INTEGER,
    -- When it ends for good unless a person signs in again; NULL: no end is known.
    ends_at      INTEGER,
    used_at      INTEGER,
    refreshed_at INTEGER
) STRICT, WITHOUT ROWID;

-- Its key, sealed with the key of each client whose connections use it. What destroys a client's key takes this way in from that client,
-- and from everybody when there is no other client.
CREATE TABLE sign_in_keys (
    sign_in   TEXT NOT NULL REFERENCES sign_ins (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    key       BLOB NOT NULL,
    PRIMARY KEY (sign_in, client_id)
) STRICT, WITHOUT ROWID;

-- NULL: files, and connections of before this table until the workspace is opened for the first time.
ALTER TABLE connections ADD COLUMN sign_in TEXT REFERENCES sign_ins (id) ON DELETE SET NULL;
CREATE INDEX connections_of_sign_in ON connections (sign_in);
