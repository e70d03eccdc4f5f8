-- Consumer state and the outbox. Times are Unix milliseconds. Text is ordered by its bytes, as the stores promise.

CREATE TABLE consumer (
    id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE
);

-- The right to write a shard. Every batch locks its row and compares the epoch.
CREATE TABLE lease (
    consumer integer NOT NULL REFERENCES consumer (id),
    shard    integer NOT NULL,
    epoch    bigint NOT NULL,
    PRIMARY KEY (consumer, shard)
);

CREATE TABLE position (
    consumer integer NOT NULL,
    shard    integer NOT NULL,
    topic    text COLLATE "C" NOT NULL,
    next     bigint NOT NULL,
    last_id  text,
    PRIMARY KEY (consumer, shard, topic)
) WITH (fillfactor = 50);

-- Pages are left half empty, so that a new state finds room beside the old one and no index changes: twice as fast,
-- and a quarter of the write-ahead log.
CREATE TABLE state (
    consumer integer NOT NULL,
    shard    integer NOT NULL,
    subject  bytea NOT NULL,
    state    bytea NOT NULL,
    due_ms   bigint,
    PRIMARY KEY (consumer, shard, subject)
) WITH (fillfactor = 50);

-- A long state is not worth compressing for one batch.
ALTER TABLE state ALTER COLUMN state SET STORAGE EXTERNAL;

CREATE INDEX state_due ON state (consumer, shard, due_ms, subject) WHERE due_ms IS NOT NULL;

CREATE TABLE outbox (
    seq              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id               uuid NOT NULL UNIQUE,
    target           text COLLATE "C" NOT NULL,
    lane             text COLLATE "C" NOT NULL,
    kind             text NOT NULL,
    flag_id          uuid,
    body             bytea NOT NULL,
    created_ms       bigint NOT NULL,
    part             boolean NOT NULL,
    state            text NOT NULL,
    attempts         integer NOT NULL DEFAULT 0,
    next_try_ms      bigint,
    -- Set while a claim may still settle the entry; past, when another may take it. The claim's token is `attempts`.
    claimed_until_ms bigint
);

-- Both hold only what is still to be sent: the outbox may be long, these stay short.
CREATE INDEX outbox_pending ON outbox (target, seq) WHERE state = 'pending';
CREATE INDEX outbox_lane ON outbox (target, lane, seq) WHERE state = 'pending' AND NOT part;
