-- The ledger rows that the open run recorded last: 36 bytes, see signalbox_store::feed::Unsent.

ALTER TABLE run ADD COLUMN unsent BLOB;
