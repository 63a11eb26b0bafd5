-- Templates: settings with a name, which connections of one system follow. A connection's settings stay whole in the connection itself.

CREATE TABLE templates (
    id         TEXT    PRIMARY KEY NOT NULL,
    connector  TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    -- As JSON by the names of the settings; one that is missing is as it is without anybody's choice.
    settings   TEXT    NOT NULL CHECK (json_valid(settings)),
    created_at INTEGER NOT NULL,
    UNIQUE (connector, name)
) STRICT, WITHOUT ROWID;

-- NULL: it follows nothing.
ALTER TABLE connections ADD COLUMN template TEXT REFERENCES templates (id) ON DELETE SET NULL;
-- The settings in which it keeps a value of its own whatever its template says, as a JSON list of their words.
ALTER TABLE connections ADD COLUMN overrides TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(overrides));
CREATE INDEX connections_of_template ON connections (template);
