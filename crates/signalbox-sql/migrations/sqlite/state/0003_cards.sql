-- What lists show of states. `subject` says of whose; whatever the shard, a card is its consumer's.

CREATE TABLE card (
    consumer INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    id       BLOB NOT NULL,
    subject  BLOB NOT NULL,
    state    TEXT NOT NULL,
    about    TEXT NOT NULL,
    school   TEXT,
    sort     TEXT NOT NULL,
    body     TEXT NOT NULL,
    UNIQUE (consumer, kind, id)
);

CREATE INDEX card_listed ON card (consumer, kind, sort, id);
CREATE INDEX card_school ON card (consumer, kind, school, sort, id);
CREATE INDEX card_state ON card (consumer, kind, state);
