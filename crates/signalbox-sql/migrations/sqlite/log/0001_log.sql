CREATE TABLE topic (
    id     INTEGER PRIMARY KEY,
    name   TEXT    NOT NULL UNIQUE,
    shards INTEGER NOT NULL CHECK (shards > 0)
);

-- One row holds the records of one append call for one shard (a long run is cut into several): a row per record
-- costs several times as much to write and to read. `id` ascends with the commits, so new rows land at the end of
-- the file whatever their shard; the key beside it holds integers only. Offsets are contiguous per shard, from 0: a
-- shard ends at `first_offset + count` of its last row, which therefore has to stay, whatever retention may remove.
CREATE TABLE segment (
    id           INTEGER PRIMARY KEY,
    topic        INTEGER NOT NULL REFERENCES topic (id),
    shard        INTEGER NOT NULL,
    first_offset INTEGER NOT NULL,
    count        INTEGER NOT NULL CHECK (count > 0),
    records      BLOB    NOT NULL,
    UNIQUE (topic, shard, first_offset)
);
