//! Inputs that are nearly right: bytes made at random seldom get past a parser's first check.
//!
//! For tests only. The fuzz targets are in `targets/`, and in the modules `fuzz` of crates whose parsers only they
//! themselves can see; README.md says how to run them.

mod edited;

pub use edited::Edited;
