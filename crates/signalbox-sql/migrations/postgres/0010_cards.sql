-- What lists show of states. `subject` says of whose; whatever the shard, a card is its consumer's.

CREATE TABLE card (
    consumer integer NOT NULL REFERENCES consumer (id),
    kind     text COLLATE "C" NOT NULL,
    id       uuid NOT NULL,
    subject  bytea NOT NULL,
    state    text COLLATE "C" NOT NULL,
    about    text COLLATE "C" NOT NULL,
    school   text COLLATE "C",
    sort     text COLLATE "C" NOT NULL,
    body     text NOT NULL,
    PRIMARY KEY (consumer, kind, id)
);

CREATE INDEX card_listed ON card (consumer, kind, sort, id);
CREATE INDEX card_school ON card (consumer, kind, school, sort, id);
CREATE INDEX card_state ON card (consumer, kind, state);
