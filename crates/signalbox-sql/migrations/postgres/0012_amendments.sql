-- Which list a part went into, and whether what an entry tells of has ended: nobody is told of it after that.
ALTER TABLE outbox ADD COLUMN bundled_into UUID;
ALTER TABLE outbox ADD COLUMN is_over BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX outbox_bundled ON outbox (bundled_into) WHERE bundled_into IS NOT NULL;
