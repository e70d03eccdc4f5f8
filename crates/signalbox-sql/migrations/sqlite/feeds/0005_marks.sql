-- Where a feed's source is in its tool: one row per mark. A run holds the marks that it moves, as JSON.

CREATE TABLE mark (
    feed  INTEGER NOT NULL REFERENCES feed (id),
    name  TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (feed, name)
) WITHOUT ROWID;

ALTER TABLE feed DROP COLUMN cursor;
ALTER TABLE run DROP COLUMN cursor;
ALTER TABLE run ADD COLUMN marks TEXT NOT NULL DEFAULT '[]';
