-- Consumer state and the outbox, in one file because a batch writes both in one transaction.
-- Times are Unix milliseconds.

CREATE TABLE consumer (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE topic (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE shard (
    consumer INTEGER NOT NULL REFERENCES consumer (id),
    shard    INTEGER NOT NULL,
    epoch    INTEGER NOT NULL,
    PRIMARY KEY (consumer, shard)
) WITHOUT ROWID;

CREATE TABLE position (
    consumer INTEGER NOT NULL,
    shard    INTEGER NOT NULL,
    topic    INTEGER NOT NULL REFERENCES topic (id),
    next     INTEGER NOT NULL,
    last_id  TEXT,
    PRIMARY KEY (consumer, shard, topic)
) WITHOUT ROWID;

-- Not WITHOUT ROWID: with states of some hundred bytes such a table is a deep tree, and batches of students in no
-- order of their keys are written six times as slowly. Rows lie in the order of first sight, which batches share.
CREATE TABLE state (
    consumer INTEGER NOT NULL,
    shard    INTEGER NOT NULL,
    subject  BLOB NOT NULL,
    state    BLOB NOT NULL,
    due_ms   INTEGER,
    UNIQUE (consumer, shard, subject)
);

CREATE INDEX state_due ON state (consumer, shard, due_ms) WHERE due_ms IS NOT NULL;

CREATE TABLE outbox (
    seq              INTEGER PRIMARY KEY AUTOINCREMENT,
    id               BLOB NOT NULL UNIQUE,
    target           TEXT NOT NULL,
    lane             TEXT NOT NULL,
    kind             TEXT NOT NULL,
    flag_id          BLOB,
    body             BLOB NOT NULL,
    created_ms       INTEGER NOT NULL,
    part             INTEGER NOT NULL,
    state            TEXT NOT NULL,
    attempts         INTEGER NOT NULL DEFAULT 0,
    next_try_ms      INTEGER,
    -- Set while a claim may still settle the entry; past, when another may take it. The claim's token is `attempts`.
    claimed_until_ms INTEGER
);

-- Both hold only what is still to be sent: the outbox may be long, these stay short.
CREATE INDEX outbox_pending ON outbox (target) WHERE state = 'pending';
CREATE INDEX outbox_lane ON outbox (target, lane) WHERE state = 'pending' AND part = 0;
