//! Attacks: what somebody who means harm, or whose tool has gone mad, gives the hub. None stops it, and the next good
//! input heals it.
//!
//! # Layout
//! - `records`: records on the log that are not the hub's

mod records;
