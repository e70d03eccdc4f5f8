//! Feeds as a person sees and changes them: what they are called, renaming, retiring.
//!
//! # Layout
//! - `names`: what a feed is called, and the name under which it is kept

pub mod names;
