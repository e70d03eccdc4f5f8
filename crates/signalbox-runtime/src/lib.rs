//! Land, ingest, consume, deliver: each loop one step
