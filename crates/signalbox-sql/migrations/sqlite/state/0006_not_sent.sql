-- Attempts in which nothing was sent, as what cannot be signed, or while nobody is there: nobody was told by them.
ALTER TABLE outbox ADD COLUMN not_sent INTEGER NOT NULL DEFAULT 0;
