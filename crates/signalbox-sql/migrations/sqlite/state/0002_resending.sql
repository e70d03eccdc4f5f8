-- Why an alert was not taken the last time, and how many of its attempts do not count towards giving it up.
ALTER TABLE outbox ADD COLUMN last_error TEXT;
ALTER TABLE outbox ADD COLUMN tried_before INTEGER NOT NULL DEFAULT 0;
