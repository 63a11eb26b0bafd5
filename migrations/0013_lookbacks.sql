-- How far back each stream of a connection is read again, where a person wants it otherwise than the connector suggests. Before, a
-- connection had one number for all its streams; one that was changed becomes each stream's own.
ALTER TABLE connections ADD COLUMN lookbacks TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(lookbacks));

-- Until now every connector suggested seven days, and once a week thirty (VK Реклама and its copies) or the same seven. Which streams have
-- days is known to the connector; of the others nothing is read again, and their entries are not used.
UPDATE connections SET lookbacks = (
    SELECT coalesce(json_group_object(s.name, json_object('days', max(lookback_days, 1), 'weekly_days', max(lookback_days, CASE
        WHEN connector = 'vk_ads' OR EXISTS (SELECT 1 FROM imported_connectors AS i WHERE i.id = connector AND i.copy_of IS NOT NULL)
        THEN 30 ELSE 7 END))), '{}')
    FROM (SELECT name FROM streams WHERE connection = num UNION SELECT stream FROM cursors WHERE connection = num) AS s)
WHERE connector <> 'file_import' AND lookback_days <> 7;

ALTER TABLE connections DROP COLUMN lookback_days;

-- Templates that were saved meanwhile say the same in the same words.
UPDATE templates SET settings = json_remove(json_set(settings, '$.lookbacks', json(CASE
    WHEN coalesce(json_extract(settings, '$.lookback_days'), 7) = 7 THEN '{}'
    ELSE (SELECT json_group_object(s.value ->> '$.name', json_object(
            'days', max(json_extract(settings, '$.lookback_days'), 1),
            'weekly_days', max(json_extract(settings, '$.lookback_days'), CASE
                WHEN connector = 'vk_ads' OR EXISTS (SELECT 1 FROM imported_connectors AS i WHERE i.id = connector AND i.copy_of IS NOT NULL)
                THEN 30 ELSE 7 END)))
        FROM json_each(settings, '$.streams') AS s) END)), '$.lookback_days');
UPDATE connections SET overrides = replace(overrides, '"lookback_days"', '"lookbacks"');
