-- What a counter on a site or in an application saw, beside what ad platforms say, and whether a connection counts toward its client's totals.

-- NULL is unknown, which is what an ad platform leaves it. `users` of several days or sources are fewer than their sum: nothing adds them up.
ALTER TABLE campaign_stats ADD COLUMN visits INTEGER;
ALTER TABLE campaign_stats ADD COLUMN users INTEGER;
ALTER TABLE campaign_stats ADD COLUMN page_views INTEGER;
ALTER TABLE campaign_stats ADD COLUMN bounces INTEGER;
ALTER TABLE staged_stats ADD COLUMN visits INTEGER;
ALTER TABLE staged_stats ADD COLUMN users INTEGER;
ALTER TABLE staged_stats ADD COLUMN page_views INTEGER;
ALTER TABLE staged_stats ADD COLUMN bounces INTEGER;
ALTER TABLE daily_rollups ADD COLUMN visits INTEGER;
ALTER TABLE daily_rollups ADD COLUMN page_views INTEGER;
ALTER TABLE daily_rollups ADD COLUMN bounces INTEGER;

-- Analytics, attribution and the like repeat what ad platforms report. Their rows stand by themselves and are not added to them.
ALTER TABLE connections ADD COLUMN in_totals TEXT NOT NULL DEFAULT 'counts' CHECK (in_totals IN ('counts', 'apart'));
