-- Who has a feed, and until when another may not take it. Both null: nobody. The epoch says whose lease is good.

ALTER TABLE feed ADD COLUMN holder text, ADD COLUMN held_until_ms bigint;
