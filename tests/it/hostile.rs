//! Attacks: what somebody who means harm, or whose tool has gone mad, gives the hub. None stops it, and the next good
//! input heals it.
//!
//! # Layout
//! - `doors`: what goes where it can be read on the way
//! - `files`: what is no file, or leads elsewhere; `records`: records on the log that are not the hub's
//! - `payloads`: what a store or the memory might not take
//! - `left`: what is left behind, and who can look at it; `screen`: what reaches a terminal

mod doors;
mod files;
mod left;
mod payloads;
mod records;
mod screen;
