//! The event log and the stores on SQLite
