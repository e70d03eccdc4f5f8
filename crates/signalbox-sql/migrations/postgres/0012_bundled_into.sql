-- Which list a part went into: a list that is sent again leaves out what is over since.
ALTER TABLE outbox ADD COLUMN bundled_into UUID;
CREATE INDEX outbox_bundled ON outbox (bundled_into) WHERE bundled_into IS NOT NULL;
