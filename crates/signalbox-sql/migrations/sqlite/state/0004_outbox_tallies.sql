-- How many entries stand how is counted without reading them.
CREATE INDEX outbox_tally ON outbox (target, state);
CREATE INDEX outbox_withheld ON outbox (target, flag_id) WHERE state = 'withheld' AND NOT part;
CREATE INDEX outbox_listed ON outbox (flag_id, target) WHERE part;
