-- Streams of one level that give different rows of a day: the whole of each object, and its splits by something (conversions by goal).
-- Each replaces its own rows and leaves the others'.

-- NULL: all rows of the level (a file, and every slice planned before this); '': whole rows; else the kind of the splits.
ALTER TABLE slices ADD COLUMN breakdown TEXT;
