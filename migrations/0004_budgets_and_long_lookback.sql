-- What is known of the request budgets of accounts, so that a program that is started again does not ask more than a platform allows.
CREATE TABLE request_budgets (
    -- System and account, such as vk_ads/17668.
    account  TEXT    PRIMARY KEY NOT NULL,
    state    TEXT    NOT NULL CHECK (json_valid(state)),
    saved_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When a connection was last read as far back as its platform still corrects days: short lookbacks miss what comes late.
ALTER TABLE turns ADD COLUMN long_read_at INTEGER;
