-- Where a feed's source is in its tool: one row per mark. A run holds the marks that it moves, as JSON.

CREATE TABLE mark (
    feed  integer NOT NULL REFERENCES feed (id),
    name  text COLLATE "C" NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (feed, name)
);

ALTER TABLE feed DROP COLUMN cursor;
ALTER TABLE run DROP COLUMN cursor;
ALTER TABLE run ADD COLUMN marks text NOT NULL DEFAULT '[]';
