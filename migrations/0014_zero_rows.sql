-- What becomes of rows in which nothing happened. Leaving them out makes the workspace of an account with many resting ads much smaller;
-- how many a day had is kept, because a day of resting ads is another thing than a day that the platform lost.
ALTER TABLE connections ADD COLUMN zero_rows TEXT NOT NULL DEFAULT 'keep' CHECK (zero_rows IN ('keep', 'leave_out'));
ALTER TABLE day_reads ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0 CHECK (left_out >= 0);
