//! What districts' files do to a reader.
#![cfg(test)]
