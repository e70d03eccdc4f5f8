-- What the hub knows of its feeds: runs, the ledger, the crosswalk, holds and rejects.

-- Every write of a feed locks its row and compares the epoch.
CREATE TABLE feed (
    id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text COLLATE "C" NOT NULL UNIQUE,
    epoch    bigint NOT NULL,
    cursor   bytea,
    settings text
);

CREATE TABLE run (
    feed      integer NOT NULL REFERENCES feed (id),
    number    bigint NOT NULL,
    payload   text NOT NULL,
    name      text NOT NULL,
    opened_ms bigint NOT NULL,
    cursor    bytea,
    cause     text NOT NULL,
    gated     text,
    outcome   text,
    summary   text,
    PRIMARY KEY (feed, number)
);

-- A feed has one open run at most.
CREATE UNIQUE INDEX run_open ON run (feed) WHERE outcome IS NULL;

-- One entity of a feed in one school year (0 for entities without), and how many of its rows stand in which state.
CREATE TABLE ledger (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed        integer NOT NULL REFERENCES feed (id),
    entity      integer NOT NULL,
    school_year integer NOT NULL,
    live        bigint NOT NULL DEFAULT 0,
    ended       bigint NOT NULL DEFAULT 0,
    unmatched   bigint NOT NULL DEFAULT 0,
    UNIQUE (feed, entity, school_year)
);

-- Ledger rows in key order, some hundred to a page: a page holds every key from `from_key` to the next page's.
-- The first page of a ledger starts at the lowest key there can be. A body is mostly hashes, which do not compress;
-- it lies out of line, so dead ones are to be cleared away before they are many.
CREATE TABLE ledger_page (
    ledger   integer NOT NULL REFERENCES ledger (id),
    from_key bytea NOT NULL,
    body     bytea NOT NULL,
    PRIMARY KEY (ledger, from_key)
) WITH (autovacuum_vacuum_scale_factor = 0.05, toast.autovacuum_vacuum_scale_factor = 0.05);

ALTER TABLE ledger_page ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE crosswalk (
    what     smallint NOT NULL,
    id_type  text COLLATE "C" NOT NULL,
    id       text COLLATE "C" NOT NULL,
    target   text COLLATE "C" NOT NULL,
    is_first boolean NOT NULL,
    PRIMARY KEY (what, id_type, id, target)
);

CREATE INDEX crosswalk_id ON crosswalk (what, id);
CREATE INDEX crosswalk_target ON crosswalk (what, target);

CREATE TABLE hold (
    id             text COLLATE "C" PRIMARY KEY,
    feed           text NOT NULL,
    run            bigint NOT NULL,
    reason         text NOT NULL,
    would_end      bigint NOT NULL,
    schools        text NOT NULL,
    since_ms       bigint NOT NULL,
    state          text NOT NULL,
    decided_by     text,
    decided_reason text
);

CREATE INDEX hold_run ON hold (feed, run);

CREATE TABLE reject_group (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed         text COLLATE "C" NOT NULL,
    code         text NOT NULL,
    value_class  text NOT NULL,
    count        bigint NOT NULL,
    first_file   text NOT NULL,
    first_row    bigint,
    first_column text,
    help         text NOT NULL
);

CREATE INDEX reject_group_feed ON reject_group (feed);

CREATE TABLE reject (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed        text COLLATE "C" NOT NULL,
    code        text NOT NULL,
    value_class text NOT NULL,
    file        text COLLATE "C" NOT NULL,
    row         bigint,
    column_name text,
    help        text NOT NULL
);

CREATE INDEX reject_place ON reject (feed, file, row NULLS FIRST, id);

CREATE TABLE note (
    name  text COLLATE "C" PRIMARY KEY,
    value text NOT NULL
);
