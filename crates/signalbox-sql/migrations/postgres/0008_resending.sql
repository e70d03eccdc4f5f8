-- Why an alert was not taken the last time, and how many of its attempts do not count towards giving it up.
ALTER TABLE outbox
    ADD COLUMN last_error text,
    ADD COLUMN tried_before integer NOT NULL DEFAULT 0;
