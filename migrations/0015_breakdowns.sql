-- Streams of one level that give different rows of a day: the whole of each object, and its splits by something (conversions by goal).
-- Each replaces its own rows and leaves the others'.

-- NULL: all rows of the level (a file, and every slice planned before this); '': whole rows; else the kind of the splits.
ALTER TABLE slices ADD COLUMN breakdown TEXT;

-- As before, but for splits in which one conversion may stand several times: goals and actions overlap and are never added up.
DROP VIEW total_stats;
CREATE VIEW total_stats AS
SELECT * FROM campaign_stats AS s
WHERE s.breakdown = ''
   OR (s.breakdown NOT GLOB 'goal=*' AND s.breakdown NOT GLOB 'action=*' AND NOT EXISTS (
        SELECT 1 FROM campaign_stats AS w
        WHERE w.connection = s.connection AND w.level = s.level AND w.date = s.date AND w.object = s.object AND w.breakdown = ''));
