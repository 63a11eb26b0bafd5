-- Where an ad leads, and the UTM tags in that address: what a counter on the site calls the same ad.

-- NULL: the platform did not say, or the address has no such tag.
ALTER TABLE ad_objects ADD COLUMN landing_url TEXT;
ALTER TABLE ad_objects ADD COLUMN utm_source TEXT;
ALTER TABLE ad_objects ADD COLUMN utm_medium TEXT;
ALTER TABLE ad_objects ADD COLUMN utm_campaign TEXT;
ALTER TABLE ad_objects ADD COLUMN utm_content TEXT;
ALTER TABLE ad_objects ADD COLUMN utm_term TEXT;
