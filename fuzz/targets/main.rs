//! Fuzz targets: every parser that reads bytes from outside, or stored bytes that a disk may have damaged.
//!
//! Each target is an ordinary test with a bounded number of random inputs, and a real fuzz target under
//! `cargo bolero`: see README.md. What only a crate itself can see has its target there, in a module `fuzz`.
//!
//! # Layout
//! - [`lines`]: a simple idea of lines and quotes, to hold the reader's against; [`memory`]: how much an input may take
//! - the others: one parser each, and what must hold whatever it is fed

mod cloudevents;
mod csv_feed;
mod delimited;
mod lines;
mod memory;
mod oneroster;
mod secret;
mod states;
