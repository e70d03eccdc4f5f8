-- The highest revision that a ledger row was ever given: nothing on the log has a higher one.

ALTER TABLE ledger ADD COLUMN highest_revision BIGINT NOT NULL DEFAULT 0;
