-- On its battery, at or below this charge, a laptop leaves scheduled syncs for later.
ALTER TABLE workspace ADD COLUMN saves_battery INTEGER NOT NULL DEFAULT 1 CHECK (saves_battery IN (0, 1));
ALTER TABLE workspace ADD COLUMN battery_percent INTEGER NOT NULL DEFAULT 20 CHECK (battery_percent BETWEEN 1 AND 100);
