-- How much clients mean to spend in a month, and what share of revenue they keep.

CREATE TABLE plans (
    client_id    TEXT    NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    -- As '2026-11'.
    month        TEXT    NOT NULL CHECK (month GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]'),
    -- Both NULL: the whole client.
    connector    TEXT,
    connection   INTEGER REFERENCES connections (num) ON DELETE CASCADE,
    -- The campaign in that connection.
    external_id  TEXT,
    amount_micros INTEGER NOT NULL CHECK (amount_micros > 0),
    currency     TEXT    NOT NULL,
    phasing      TEXT    NOT NULL CHECK (json_valid(phasing)),
    CHECK (connector IS NULL OR connection IS NULL),
    CHECK ((connection IS NULL) = (external_id IS NULL))
) STRICT;
CREATE UNIQUE INDEX plans_of_month ON plans (client_id, month, coalesce(connector, ''), coalesce(connection, 0), coalesce(external_id, ''));
CREATE INDEX plans_of_connection ON plans (connection);

-- The share of revenue that is left after what was sold has cost, in millionths. Without it a return on investment is not known.
CREATE TABLE client_margins (
    client_id     TEXT    PRIMARY KEY NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    margin_micros INTEGER NOT NULL CHECK (margin_micros BETWEEN 0 AND 1000000)
) STRICT, WITHOUT ROWID;
