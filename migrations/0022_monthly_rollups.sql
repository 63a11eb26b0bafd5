-- What long periods are read from, and how days that may still change are found without reading all the others.

-- As daily_rollups, by month. A month is its first day.
CREATE TABLE monthly_rollups (
    connection         INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    level              INTEGER NOT NULL,
    month              INTEGER NOT NULL,
    currency           TEXT    NOT NULL,
    vat                INTEGER NOT NULL,
    impressions        INTEGER,
    clicks             INTEGER,
    cost_micros        INTEGER,
    conversions_micros INTEGER,
    revenue_micros     INTEGER,
    row_count          INTEGER NOT NULL,
    visits             INTEGER,
    page_views         INTEGER,
    bounces            INTEGER,
    PRIMARY KEY (connection, level, month, currency, vat)
) STRICT, WITHOUT ROWID;

INSERT INTO monthly_rollups (connection, level, month, currency, vat, impressions, clicks, cost_micros, conversions_micros,
    revenue_micros, visits, page_views, bounces, row_count)
SELECT connection, level, unixepoch(date * 86400, 'unixepoch', 'start of month') / 86400 AS month, currency, vat, sum(impressions),
    sum(clicks), sum(cost_micros), sum(conversions_micros), sum(revenue_micros), sum(visits), sum(page_views), sum(bounces), sum(row_count)
FROM daily_rollups GROUP BY connection, level, month, currency, vat;

-- The same of each object above the ads, of which there are too many to gain by it.
CREATE TABLE monthly_objects (
    connection         INTEGER NOT NULL REFERENCES connections (num) ON DELETE CASCADE,
    level              INTEGER NOT NULL CHECK (level < 4),
    month              INTEGER NOT NULL,
    object             INTEGER NOT NULL,
    currency           TEXT    NOT NULL,
    vat                INTEGER NOT NULL,
    impressions        INTEGER,
    clicks             INTEGER,
    cost_micros        INTEGER,
    conversions_micros INTEGER,
    revenue_micros     INTEGER,
    row_count          INTEGER NOT NULL,
    visits             INTEGER,
    page_views         INTEGER,
    bounces            INTEGER,
    PRIMARY KEY (connection, level, month, object, currency, vat)
) STRICT, WITHOUT ROWID;

INSERT INTO monthly_objects (connection, level, month, object, currency, vat, impressions, clicks, cost_micros, conversions_micros,
    revenue_micros, visits, page_views, bounces, row_count)
SELECT connection, level, unixepoch(date * 86400, 'unixepoch', 'start of month') / 86400 AS month, object, currency, vat,
    sum(impressions), sum(clicks), sum(cost_micros), sum(conversions_micros), sum(revenue_micros), sum(visits), sum(page_views),
    sum(bounces), count(*)
FROM total_stats WHERE level < 4 AND connection IN (SELECT num FROM connections)
GROUP BY connection, level, month, object, currency, vat;

CREATE INDEX day_reads_moving ON day_reads (connection, date) WHERE state = 'moving';
