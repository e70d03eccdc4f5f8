-- What is claimed next is read from the front of what is pending, in the order of writing; parts are no part of that.

DROP INDEX outbox_lane;
DROP INDEX outbox_pending;
CREATE INDEX outbox_pending ON outbox (target, seq) WHERE state = 'pending' AND NOT part;
CREATE INDEX outbox_part ON outbox (target, seq) WHERE state = 'pending' AND part;
