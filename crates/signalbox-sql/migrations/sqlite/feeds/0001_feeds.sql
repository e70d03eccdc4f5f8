-- What the hub knows of its feeds: runs, the ledger, the crosswalk, holds and rejects.
-- Times are Unix milliseconds.

CREATE TABLE feed (
    id       INTEGER PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    epoch    INTEGER NOT NULL,
    cursor   BLOB,
    settings TEXT
);

CREATE TABLE run (
    feed      INTEGER NOT NULL REFERENCES feed (id),
    number    INTEGER NOT NULL,
    payload   TEXT NOT NULL,
    name      TEXT NOT NULL,
    opened_ms INTEGER NOT NULL,
    cursor    BLOB,
    cause     TEXT NOT NULL,
    gated     TEXT,
    outcome   TEXT,
    summary   TEXT,
    PRIMARY KEY (feed, number)
) WITHOUT ROWID;

-- A feed has one open run at most.
CREATE UNIQUE INDEX run_open ON run (feed) WHERE outcome IS NULL;

-- One entity of a feed in one school year (0 for entities without), and how many of its rows stand in which state.
CREATE TABLE ledger (
    id          INTEGER PRIMARY KEY,
    feed        INTEGER NOT NULL REFERENCES feed (id),
    entity      INTEGER NOT NULL,
    school_year INTEGER NOT NULL,
    live        INTEGER NOT NULL DEFAULT 0,
    ended       INTEGER NOT NULL DEFAULT 0,
    unmatched   INTEGER NOT NULL DEFAULT 0,
    UNIQUE (feed, entity, school_year)
);

-- Ledger rows in key order, some hundred to a page: a page holds every key from `from_key` to the next page's.
-- The first page of a ledger starts at the lowest key there can be. Not WITHOUT ROWID: with rows this long such a
-- table is a deep tree, and changes all over the ledger take two to three times as long.
CREATE TABLE ledger_page (
    ledger   INTEGER NOT NULL REFERENCES ledger (id),
    from_key BLOB NOT NULL,
    body     BLOB NOT NULL,
    UNIQUE (ledger, from_key)
);

CREATE TABLE crosswalk (
    what     INTEGER NOT NULL,
    id_type  TEXT NOT NULL,
    id       TEXT NOT NULL,
    target   TEXT NOT NULL,
    is_first INTEGER NOT NULL,
    PRIMARY KEY (what, id_type, id, target)
) WITHOUT ROWID;

CREATE INDEX crosswalk_id ON crosswalk (what, id);
CREATE INDEX crosswalk_target ON crosswalk (what, target);

CREATE TABLE hold (
    id             TEXT NOT NULL PRIMARY KEY,
    feed           TEXT NOT NULL,
    run            INTEGER NOT NULL,
    reason         TEXT NOT NULL,
    would_end      INTEGER NOT NULL,
    schools        TEXT NOT NULL,
    since_ms       INTEGER NOT NULL,
    state          TEXT NOT NULL,
    decided_by     TEXT,
    decided_reason TEXT
);

CREATE INDEX hold_run ON hold (feed, run);

CREATE TABLE reject_group (
    id           INTEGER PRIMARY KEY,
    feed         TEXT NOT NULL,
    code         TEXT NOT NULL,
    value_class  TEXT NOT NULL,
    count        INTEGER NOT NULL,
    first_file   TEXT NOT NULL,
    first_row    INTEGER,
    first_column TEXT,
    help         TEXT NOT NULL
);

CREATE INDEX reject_group_feed ON reject_group (feed);

CREATE TABLE reject (
    id          INTEGER PRIMARY KEY,
    feed        TEXT NOT NULL,
    code        TEXT NOT NULL,
    value_class TEXT NOT NULL,
    file        TEXT NOT NULL,
    row         INTEGER,
    column_name TEXT,
    help        TEXT NOT NULL
);

CREATE INDEX reject_place ON reject (feed, file, row);

CREATE TABLE note (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
