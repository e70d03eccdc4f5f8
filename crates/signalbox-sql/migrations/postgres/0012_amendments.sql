-- Which list a part went into; whether what an entry tells of has ended: nobody is told of it after that; why it is not to
-- be sent for now, whatever became of it before.
ALTER TABLE outbox ADD COLUMN bundled_into UUID;
ALTER TABLE outbox ADD COLUMN is_over BOOLEAN NOT NULL DEFAULT false;
ALTER TABLE outbox ADD COLUMN held TEXT;
CREATE INDEX outbox_bundled ON outbox (bundled_into) WHERE bundled_into IS NOT NULL;
