//! To come.
pub struct MemoryLog;
